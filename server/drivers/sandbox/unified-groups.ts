import fs from 'node:fs';
import path from 'node:path';
import { optionally, readGroupFile as read } from './group-files.ts';
import { controllers, type Cgroups, type Controller } from './machine-groups.ts';

/** One group for each machine in the hierarchy of version 2. @see the kernel's admin-guide/cgroup-v2 */
export function unifiedGroups(parent: string, prefix: string): Cgroups {
  const present = read(path.join(parent, 'cgroup.controllers')).split(/\s+/);
  const missing = controllers.filter((controller) => !present.includes(controller));
  return {
    missing,
    directoriesOf: (id) => [path.join(parent, `${prefix}-${id}`)],
    make(id, limits) {
      const directory = path.join(parent, `${prefix}-${id}`);
      fs.mkdirSync(directory, { recursive: true });
      const set = (controller: Controller, file: string, value: string): void => {
        if (!missing.includes(controller)) fs.writeFileSync(path.join(directory, file), value);
      };
      set('pids', 'pids.max', String(limits.processes));
      set('cpu', 'cpu.max', `${String(Math.round(limits.cpus * 100_000))} 100000`);
      set('memory', 'memory.max', String(Math.round(limits.memoryBytes)));
      optionally(() => {
        set('memory', 'memory.swap.max', '0');
      });
      return {
        directories: [directory],
        view: [{ outside: directory, inside: '/sys/fs/cgroup' }],
        memoryEvents: missing.includes('memory') ? null : path.join(directory, 'memory.events'),
      };
    },
  };
}
