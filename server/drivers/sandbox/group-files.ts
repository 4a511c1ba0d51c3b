import fs from 'node:fs';
import path from 'node:path';
import { until } from './processes.ts';

/** Text of a file that the kernel shows, or '' where it shows none. */
export function readGroupFile(...parts: string[]): string {
  try {
    return fs.readFileSync(path.join(...parts), 'utf8');
  } catch {
    return '';
  }
}

/** For what not every kernel has, and nothing depends on. */
export function optionally(work: () => void): void {
  try {
    work();
  } catch {
    // It stays as it was.
  }
}

export function processesIn(directories: readonly string[]): number[] {
  return [
    ...new Set(
      directories.flatMap((directory) =>
        readGroupFile(directory, 'cgroup.procs')
          .split('\n')
          .flatMap((line) => (line === '' ? [] : [Number(line)])),
      ),
    ),
  ];
}

/** Removes groups that nothing runs in. The kernel may need a moment after the last process went. */
export async function removeGroups(directories: readonly string[]): Promise<void> {
  const gone = (directory: string): boolean => {
    try {
      fs.rmdirSync(directory);
      return true;
    } catch (error) {
      return error instanceof Error && 'code' in error && error.code === 'ENOENT';
    }
  };
  for (const directory of directories) await until(() => gone(directory), 2000);
}

/** How often the kernel ended a process of the group because memory ran out. */
export function outOfMemoryKills(memoryEvents: string | null): number {
  if (memoryEvents === null) return 0;
  return Number(/^oom_kill (\d+)$/m.exec(readGroupFile(memoryEvents))?.[1] ?? 0);
}
