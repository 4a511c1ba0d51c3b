import type { ContentsScope } from './contents-model.ts';

export type LastRead = ReturnType<typeof createLastRead>;

const kept = 20_000;

/**
 * Which generation of a notebook each account was given last. Clients of the contents API say nothing of what their save
 * is based on; this is what it must be.
 */
export function createLastRead() {
  const generations = new Map<string, string>();
  const nameOf = ({ author, owner }: ContentsScope, key: string): string =>
    `${author.accountId}\n${owner.bucket}\n${key}`;
  return {
    remember(scope: ContentsScope, key: string, generation: string): void {
      const name = nameOf(scope, key);
      generations.delete(name);
      generations.set(name, generation);
      const oldest = generations.size > kept ? generations.keys().next().value : undefined;
      if (oldest !== undefined) generations.delete(oldest);
    },
    of: (scope: ContentsScope, key: string): string | undefined => generations.get(nameOf(scope, key)),
  };
}
