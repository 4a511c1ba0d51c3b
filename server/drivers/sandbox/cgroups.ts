import fs from 'node:fs';
import path from 'node:path';
import { until } from './processes.ts';

export interface Limits {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly processes: number;
}

/** The groups of one machine: a process joins by writing itself into each `cgroup.procs`. */
export interface MachineGroups {
  readonly directories: readonly string[];
  /** What the machine sees of its own groups, where containers usually find them. */
  readonly view: readonly { readonly outside: string; readonly inside: string }[];
  /** Holds the count of out-of-memory kills. */
  readonly memoryEvents: string | null;
}

export interface Cgroups {
  /** Which limits cannot be set here. */
  readonly missing: readonly ('memory' | 'cpu' | 'pids')[];
  /** Makes the groups with their limits; those that exist already get the new limits. */
  make(id: string, limits: Limits): MachineGroups;
  /** Where the groups of a machine are, if there are any. */
  directoriesOf(id: string): string[];
}

type Controller = 'memory' | 'cpu' | 'pids';
const controllers: readonly Controller[] = ['memory', 'cpu', 'pids'];

/**
 * Finds where groups can be made, by making one. `prefix` names this installation, so that two never share a group.
 * @param root  '/' but for tests
 */
export function findCgroups(prefix: string, root = '/'): Cgroups {
  const own = parseOwn(read(path.join(root, 'proc/self/cgroup')));
  const mounts = parseMounts(read(path.join(root, 'proc/self/mountinfo')));
  const unified = mounts.find((mount) => mount.type === 'cgroup2');
  if (unified !== undefined) {
    const parent = unifiedParent(path.join(root, unified.place), own.get('') ?? '/', prefix);
    if (parent !== null) return unifiedGroups(parent, prefix);
  }
  const parents = new Map<Controller, string>();
  for (const controller of controllers) {
    const mount = mounts.find((one) => one.type === 'cgroup' && one.options.includes(controller));
    if (mount === undefined) continue;
    const place = path.join(root, mount.place);
    // Below our own group, so that limits which somebody set on us hold for the machines too. The path counts from the
    // hierarchy's root, which may not be what is mounted here (in a container).
    const candidates = [path.join(place, own.get(controller) ?? '/'), place];
    const parent = candidates.find((candidate) => canMakeGroup(candidate, prefix));
    if (parent !== undefined) parents.set(controller, parent);
  }
  return legacyGroups(parents, prefix);
}

function legacyGroups(parents: ReadonlyMap<Controller, string>, prefix: string): Cgroups {
  return {
    missing: controllers.filter((controller) => !parents.has(controller)),
    directoriesOf: (id) => [...parents.values()].map((parent) => path.join(parent, `${prefix}-${id}`)),
    make(id, limits) {
      const directories: string[] = [];
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
        if (controller === 'memory') {
          // Memory with swap may never be below memory alone, so lift it first; it is missing where swap is not counted.
          optionally(() => {
            set('memory.memsw.limit_in_bytes', -1);
          });
          set('memory.limit_in_bytes', limits.memoryBytes);
          optionally(() => {
            set('memory.memsw.limit_in_bytes', limits.memoryBytes);
          });
        }
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

function unifiedGroups(parent: string, prefix: string): Cgroups {
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

/**
 * A group with processes in it cannot hand controllers down (but for the root), so ours go beside the one we are in, or
 * at the top. Beside is also what survives when a service manager ends our own group.
 */
function unifiedParent(place: string, own: string, prefix: string): string | null {
  const candidates = [path.dirname(own), own, '/'].map((one) => path.join(place, one));
  for (const candidate of candidates) {
    const parent = path.join(candidate, prefix);
    try {
      fs.mkdirSync(parent, { recursive: true });
      const offered = read(path.join(candidate, 'cgroup.controllers')).split(/\s+/);
      const wanted = controllers.filter((controller) => offered.includes(controller));
      if (wanted.length === 0) throw new Error('no controller is offered here');
      const enable = wanted.map((controller) => `+${controller}`).join(' ');
      const enabled = read(path.join(candidate, 'cgroup.subtree_control')).split(/\s+/);
      if (wanted.some((controller) => !enabled.includes(controller))) {
        fs.writeFileSync(path.join(candidate, 'cgroup.subtree_control'), enable);
      }
      fs.writeFileSync(path.join(parent, 'cgroup.subtree_control'), enable);
      if (canMakeGroup(parent, prefix)) return parent;
    } catch {
      // The next place may do.
    }
    optionally(() => {
      fs.rmdirSync(parent);
    });
  }
  return null;
}

function canMakeGroup(parent: string, prefix: string): boolean {
  const probe = path.join(parent, `${prefix}-probe${String(process.pid)}`);
  try {
    // Not recursive: a parent that is not there is not ours to make.
    fs.mkdirSync(probe);
    fs.accessSync(path.join(parent, 'cgroup.procs'), fs.constants.W_OK);
    return true;
  } catch {
    return false;
  } finally {
    optionally(() => {
      fs.rmdirSync(probe);
    });
  }
}

export function processesIn(directories: readonly string[]): number[] {
  return [
    ...new Set(
      directories.flatMap((directory) =>
        read(path.join(directory, 'cgroup.procs'))
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
  return Number(/^oom_kill (\d+)$/m.exec(read(memoryEvents))?.[1] ?? 0);
}

/** Controller -> path of our own group; '' is the unified hierarchy. cgroups(7) */
function parseOwn(text: string): Map<string, string> {
  const own = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    for (const controller of match?.[1]?.split(',') ?? []) own.set(controller, match?.[2] ?? '/');
  }
  return own;
}

/** proc_pid_mountinfo(5) */
function parseMounts(text: string): { place: string; type: string; options: string[] }[] {
  return text.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const place = before.split(' ')[4];
    const [type = '', , options = ''] = after.split(' ');
    return place === undefined || !type.startsWith('cgroup') ? [] : [{ place, type, options: options.split(',') }];
  });
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function optionally(work: () => void): void {
  try {
    work();
  } catch {
    // Not every kernel has it, and nothing depends on it.
  }
}
