import { readFileSync } from 'node:fs';

/** What our control group says, where one can be seen that is ours and not the whole machine's. */
export interface GroupUsage {
  readonly cpuMicroseconds: number | null;
  readonly memoryBytes: number | null;
  readonly memoryLimitBytes: number | null;
  /** The most it ever held, the cache included. */
  readonly memoryPeakBytes: number | null;
}

/** A v1 limit that nobody set is the largest multiple of the page size below 2^63. */
const unlimited = 2 ** 60;

const nothing: GroupUsage = {
  cpuMicroseconds: null,
  memoryBytes: null,
  memoryLimitBytes: null,
  memoryPeakBytes: null,
};

/** Reads v2 where it is mounted, else v1. `root` is where /sys/fs/cgroup is. */
export function readGroup(selfCgroup: string, root = '/sys/fs/cgroup'): GroupUsage {
  const unified = groupPath(selfCgroup, '');
  if (unified !== null) {
    const folder = root + unified;
    const memoryBytes = number(read(`${folder}/memory.current`));
    if (memoryBytes !== null) {
      const inactive = field(read(`${folder}/memory.stat`), 'inactive_file') ?? 0;
      return {
        cpuMicroseconds: field(read(`${folder}/cpu.stat`), 'usage_usec'),
        memoryBytes: Math.max(0, memoryBytes - inactive),
        memoryLimitBytes: number(read(`${folder}/memory.max`)),
        memoryPeakBytes: number(read(`${folder}/memory.peak`)),
      };
    }
  }
  const memoryPath = groupPath(selfCgroup, 'memory') ?? '';
  const memory = `${root}/memory${memoryPath}`;
  const limit = number(read(`${memory}/memory.limit_in_bytes`));
  // Without a limit it is a group that others share, as on a machine where nobody made one for us.
  if (limit === null || limit >= unlimited) return nothing;
  const used = number(read(`${memory}/memory.usage_in_bytes`));
  const inactive = field(read(`${memory}/memory.stat`), 'total_inactive_file') ?? 0;
  // In another group than for memory, it is one that was not made for us.
  const isOurs = groupPath(selfCgroup, 'cpuacct') === groupPath(selfCgroup, 'memory');
  const cpuNanoseconds = isOurs ? number(read(`${root}/cpuacct${memoryPath}/cpuacct.usage`)) : null;
  return {
    cpuMicroseconds: cpuNanoseconds === null ? null : cpuNanoseconds / 1000,
    memoryBytes: used === null ? null : Math.max(0, used - inactive),
    memoryLimitBytes: limit,
    memoryPeakBytes: number(read(`${memory}/memory.max_usage_in_bytes`)),
  };
}

/** How often the system has killed for want of memory, in our group where that can be seen, else on the machine. */
export function readOomKills(): number | null {
  const self = read('/proc/self/cgroup');
  const sources: [file: string, counter: RegExp][] = [
    [`/sys/fs/cgroup${groupPath(self, '') ?? ''}/memory.events`, /^oom_kill (\d+)$/m],
    [`/sys/fs/cgroup/memory${groupPath(self, 'memory') ?? ''}/memory.oom_control`, /^oom_kill (\d+)$/m],
    ['/proc/vmstat', /^oom_kill (\d+)$/m],
  ];
  for (const [file, counter] of sources) {
    const match = counter.exec(read(file));
    if (match?.[1] !== undefined) return Number(match[1]);
  }
  return null;
}

/**
 * The path of our group in a hierarchy, `''` for the hierarchy with no controllers named, which is v2.
 * Null when we are in none. The root is the empty string.
 */
export function groupPath(selfCgroup: string, controller: string): string | null {
  for (const line of selfCgroup.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers?.split(',').includes(controller) === true) return path === undefined || path === '/' ? '' : path;
  }
  return null;
}

export function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function number(text: string): number | null {
  return /^\d+\s*$/.test(text) ? Number(text) : null;
}

function field(text: string, name: string): number | null {
  const value = new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1];
  return value === undefined ? null : Number(value);
}
