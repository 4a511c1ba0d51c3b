import type { Kernel } from './kernel.ts';

/** A kernel as jupyter_server's REST API shows it. */
export function kernelModel(kernel: Kernel): Record<string, unknown> {
  const { id, spec, lastActivityAt, executionState, connections, reason } = kernel;
  return {
    id,
    name: spec.name,
    last_activity: new Date(lastActivityAt).toISOString(),
    execution_state: executionState,
    connections,
    ...(reason === null ? {} : { reason }),
  };
}
