import type { AgentConfig } from '@terrarium/contract/agent';
import type { Image } from '@terrarium/contract';

/** What a machine may use. */
export interface MachineLimits {
  /** Cores, fractions allowed. */
  readonly cpus: number;
  readonly memoryBytes: number;
}

/** Everything a driver needs to make one machine. `id` is ours; a driver keys what it makes by it, injectively. */
export interface MachineSpec extends MachineLimits {
  /** Environment id: lower-case letters and digits only, at most 40 characters. */
  readonly id: string;
  readonly image: string;
  readonly bootDiskBytes: number;
  /** Mounted at /home/jupyter. */
  readonly diskId: string;
  /** What the agent is told, less where it listens and keeps its state, which the driver decides. */
  readonly agent: Pick<AgentConfig, 'secret' | 'environmentVariables' | 'warmKernel'>;
}

/**
 * What exists for one environment, observed now; every moment by the driver's clock.
 * absent: nothing; stopped: boot disk exists, no process; running: the machine's first process is alive; asleep: it is
 * alive and frozen, with its memory kept.
 */
export type MachineFact =
  | { readonly id: string; readonly state: 'absent' }
  | {
      readonly id: string;
      readonly state: 'stopped';
      readonly createdAt: Date;
      /** When its processes ended; null when it never ran. */
      readonly endedAt: Date | null;
      /** Why it ended, when it ended by itself. */
      readonly exit: string | null;
    }
  | { readonly id: string; readonly state: 'running'; readonly createdAt: Date; readonly startedAt: Date }
  | {
      readonly id: string;
      readonly state: 'asleep';
      readonly createdAt: Date;
      readonly startedAt: Date;
      readonly asleepSince: Date;
    };

/** Where the machine's agent answers HTTP. */
export type AgentAddress = { readonly socketPath: string } | { readonly host: string; readonly port: number };

/** What a driver offers on this host, found out by trying. */
export interface ComputeDescription {
  /** The images offered, one marked default. */
  readonly images: Image[];
  /** What is weaker or missing here, a sentence each. */
  readonly notes: string[];
  readonly maxCpus: number;
  readonly maxMemoryBytes: number;
  readonly maxGpus: number;
  /** Names what machines are started with, such as the agent: another where a machine started now differs from one before. */
  readonly build: string;
  /** Whether a running machine can be frozen and woken. */
  readonly canSleep: boolean;
  /** Whether `limit` works on a running machine. */
  readonly canLimitLive: boolean;
}

/**
 * Makes and unmakes machines. Every method is idempotent and keyed by the environment's id: repeating what is already
 * done succeeds, and absence is a value. A driver never keeps a fact only in memory that a restart would need.
 * @throws AppError DriverUnavailable  the provider cannot be reached or is out of something; safe to retry
 * @throws AppError InvalidInput       the spec can never work here; a sentence says why
 */
export interface ComputeDriver {
  readonly name: string;
  describe(): Promise<ComputeDescription>;
  inspect(id: string): Promise<MachineFact>;
  /** Makes the boot disk and whatever else must exist before a start. */
  create(spec: MachineSpec): Promise<void>;
  /** Starts the machine's processes with the disk attached; resolves when they are started, not when the agent answers. */
  start(spec: MachineSpec): Promise<void>;
  /** Freezes every process and keeps their memory. Nothing happens to a machine that does not run or sleeps already. */
  sleep(id: string): Promise<void>;
  /** Lets a sleeping machine go on where it was. Nothing happens to one that is not asleep. */
  wake(id: string): Promise<void>;
  /**
   * Gives a running or sleeping machine other limits without ending anything; nothing happens to one that is stopped.
   * @throws AppError NotPossibleNow  it uses more memory than the new limit, or limits cannot be changed live here
   */
  limit(id: string, limits: MachineLimits): Promise<void>;
  /** Asks the agent to end (SIGTERM), waits up to `graceMs`, then ends every process, of a sleeping machine too. The boot disk stays. */
  stop(id: string, options: { graceMs: number }): Promise<void>;
  /** Ends every process and removes the boot disk. Never touches the persistent disk. */
  delete(id: string): Promise<void>;
  /** Every machine of this installation, also those the control plane has forgotten. */
  list(): Promise<MachineFact[]>;
  /** Where the agent answers, or null when the machine is not running. A sleeping machine has its address, and answers nothing. */
  address(id: string): Promise<AgentAddress | null>;
  /** The last lines that the machine itself printed, for people. */
  logs(id: string): Promise<string>;
}
