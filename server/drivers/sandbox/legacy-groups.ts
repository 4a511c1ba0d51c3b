import fs from 'node:fs';
import path from 'node:path';
import { optionally } from './group-files.ts';
import { controllers, type Cgroups, type Controller } from './machine-groups.ts';

/**
 * Groups in the hierarchies of version 1, one for each controller. @see the kernel's admin-guide/cgroup-v1
 * @param freezer  where a group can be made that is brought to rest as a whole
 */
export function legacyGroups(
  parents: ReadonlyMap<Controller, string>,
  freezer: string | null,
  prefix: string,
): Cgroups {
  const freezers = freezer === null ? [] : [freezer];
  return {
    missing: controllers.filter((controller) => !parents.has(controller)),
    directoriesOf: (id) => [...parents.values(), ...freezers].map((parent) => path.join(parent, `${prefix}-${id}`)),
    make(id, limits) {
      const directories = freezers.map((parent) => path.join(parent, `${prefix}-${id}`));
      for (const directory of directories) fs.mkdirSync(directory, { recursive: true });
      const view: { outside: string; inside: string }[] = [];
      for (const [controller, parent] of parents) {
        const directory = path.join(parent, `${prefix}-${id}`);
        fs.mkdirSync(directory, { recursive: true });
        directories.push(directory);
        view.push({ outside: directory, inside: `/sys/fs/cgroup/${controller}` });
        const set = (file: string, value: number): void => {
          fs.writeFileSync(path.join(directory, file), String(Math.round(value)));
        };
        if (controller === 'pids') set('pids.max', limits.processes);
        if (controller === 'cpu') {
          set('cpu.cfs_period_us', 100_000);
          set('cpu.cfs_quota_us', limits.cpus * 100_000);
        }
        if (controller === 'memory') setMemory(set, limits.memoryBytes);
      }
      const memory = parents.get('memory');
      return {
        directories,
        view,
        memoryEvents: memory === undefined ? null : path.join(memory, `${prefix}-${id}`, 'memory.oom_control'),
      };
    },
  };
}

function setMemory(set: (file: string, value: number) => void, bytes: number): void {
  // Memory with swap may never be below memory alone, so lift it first; it is missing where swap is not counted.
  optionally(() => {
    set('memory.memsw.limit_in_bytes', -1);
  });
  set('memory.limit_in_bytes', bytes);
  optionally(() => {
    set('memory.memsw.limit_in_bytes', bytes);
  });
}
