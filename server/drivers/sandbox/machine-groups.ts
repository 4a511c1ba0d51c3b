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

export type Controller = 'memory' | 'cpu' | 'pids';
export const controllers: readonly Controller[] = ['memory', 'cpu', 'pids'];
