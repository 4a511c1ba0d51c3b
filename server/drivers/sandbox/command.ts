import { execFile } from 'node:child_process';

/** System programs are looked up here and nowhere else, whatever the environment of the control plane says. */
export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface CommandResult {
  readonly code: number;
  readonly output: string;
  readonly error: string;
}

/** Runs a system program to its end. A program that is not there is code 127; one that takes too long is killed, code 124. */
export function runCommand(
  program: string,
  args: readonly string[],
  options: { timeoutMs?: number } = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(
      program,
      args,
      {
        env: { PATH: systemPath, LANG: 'C' },
        timeout: options.timeoutMs ?? 60_000,
        killSignal: 'SIGKILL',
        maxBuffer: 8 * 2 ** 20,
      },
      (error, stdout, stderr) => {
        const code =
          error === null
            ? 0
            : error.code === 'ENOENT'
              ? 127
              : typeof error.code === 'number'
                ? error.code
                : error.killed === true
                  ? 124
                  : 1;
        resolve({ code, output: stdout, error: stderr.trim() });
      },
    );
  });
}
