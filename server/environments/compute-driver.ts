import type { AgentConfig } from '@terrarium/contract/agent';
import type { Image } from '@terrarium/contract';

/** Everything a driver needs to make one machine. `id` is ours; a driver keys what it makes by it, injectively. */
export interface MachineSpec {
  /** Environment id: lower-case letters and digits only, at most 40 characters. */
  readonly id: string;
  readonly image: string;
  /** Cores, fractions allowed. */
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly bootDiskBytes: number;
  /** Mounted at /home/jupyter. */
  readonly diskId: string;
  /** What the agent is told, less where it listens and keeps its state, which the driver decides. */
  readonly agent: Pick<AgentConfig, 'secret' | 'environmentVariables' | 'warmKernel'>;
}

/**
 * What exists for one environment, observed now.
 * absent: nothing; stopped: boot disk exists, no process; running: the machine's first process is alive.
 */
export type MachineFact =
  | { readonly id: string; readonly state: 'absent' }
  | {
      readonly id: string;
      readonly state: 'stopped';
      /** Why it ended, when it ended by itself. */ readonly exit: string | null;
    }
  | { readonly id: string; readonly state: 'running'; /** By the driver's clock. */ readonly startedAt: Date };

/** Where the machine's agent answers HTTP. */
export type AgentAddress = { readonly socketPath: string } | { readonly host: string; readonly port: number };

/**
 * Makes and unmakes machines. Every method is idempotent and keyed by the environment's id: repeating what is already
 * done succeeds, and absence is a value. A driver never keeps a fact only in memory that a restart would need.
 * @throws AppError DriverUnavailable  the provider cannot be reached or is out of something; safe to retry
 * @throws AppError InvalidInput       the spec can never work here; a sentence says why
 */
export interface ComputeDriver {
  readonly name: string;
  /** The images offered, one marked default, and what is weaker or missing here, a sentence each. */
  describe(): Promise<{ images: Image[]; notes: string[]; maxCpus: number; maxMemoryBytes: number }>;
  inspect(id: string): Promise<MachineFact>;
  /** Makes the boot disk and whatever else must exist before a start. */
  create(spec: MachineSpec): Promise<void>;
  /** Starts the machine's processes with the disk attached; resolves when they are started, not when the agent answers. */
  start(spec: MachineSpec): Promise<void>;
  /** Asks the agent to end (SIGTERM), waits up to `graceMs`, then ends every process. The boot disk stays. */
  stop(id: string, options: { graceMs: number }): Promise<void>;
  /** Ends every process and removes the boot disk. Never touches the persistent disk. */
  delete(id: string): Promise<void>;
  /** Every machine of this installation, also those the control plane has forgotten. */
  list(): Promise<MachineFact[]>;
  /** Where the agent answers, or null when the machine is not running. */
  address(id: string): Promise<AgentAddress | null>;
  /** The last lines that the machine itself printed, for people. */
  logs(id: string): Promise<string>;
}
