import fs from 'node:fs/promises';

/** What the launcher and bubblewrap have said so far. */
export interface LaunchStatus {
  /** The machine's first process, in the pid namespace of the control plane. */
  readonly childPid: number | null;
  /** Everything is mounted, and the agent is about to run. */
  readonly started: boolean;
  readonly exitCode: number | null;
  /** When all of it had ended. Epoch ms by the host's clock. */
  readonly endedAt: number | null;
}

/** Reads lines of JSON; a line that is half written is not read yet. */
export async function readStatus(file: string): Promise<LaunchStatus> {
  const text = await fs.readFile(file, 'utf8').catch(() => '');
  const number = (name: string): number | null => {
    const match = new RegExp(`"${name}":\\s*(\\d+)`, 'g');
    const last = [...text.matchAll(match)].at(-1)?.[1];
    return last === undefined ? null : Number(last);
  };
  return {
    childPid: number('child-pid'),
    started: /"started":\s*true/.test(text),
    exitCode: number('exit-code'),
    endedAt: number('ended-at'),
  };
}
