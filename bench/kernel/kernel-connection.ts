import type { Execution } from './executions.ts';

/** A way of reaching a running kernel. */
export interface KernelConnection {
  execute(code: string): Promise<Execution>;
  close(): void;
}
