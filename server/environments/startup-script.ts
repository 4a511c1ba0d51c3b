import { setTimeout } from 'node:timers/promises';
import { AppError } from '@terrarium/contract';
import { agentClient, type AgentDoor } from './agent-client.ts';

/** How often a change of mind is looked for while the script says nothing. */
const lookEveryMs = 1000;
const betweenLooksMs = 150;
const logKept = 64 * 1024;
const linesQuoted = 3;

/**
 * Runs the startup script through the agent, or goes on following one that runs already.
 * @param log  told what it has printed, of a long output the end, each time that more has come
 * @returns '' when it went well, else a sentence; null when it is not wished for any more
 */
export async function runStartupScript(
  door: AgentDoor,
  options: {
    script: string;
    timeoutMs: number;
    log: (text: string) => Promise<void>;
    isStillWished: () => Promise<boolean>;
    signal: AbortSignal;
  },
): Promise<string | null> {
  const { script, timeoutMs, log, isStillWished, signal } = options;
  await agentClient.startStartup(door, { script, timeoutMs });
  let printed = '';
  for (let after = 0; !signal.aborted;) {
    const answer = await agentClient.startup(door, { after, waitMs: lookEveryMs });
    after = answer.nextOffset;
    if (answer.output !== '') {
      printed = (printed + answer.output).slice(-logKept);
      await log(printed);
    }
    switch (answer.state) {
      case 'none':
        throw new AppError('DriverUnavailable', 'The environment does not know of its startup script.');
      case 'running':
        if (!(await isStillWished())) return null;
        // However fast it prints, what is shown is written a few times a second.
        await setTimeout(betweenLooksMs);
        break;
      case 'succeeded':
        return '';
      case 'failed': {
        const how = answer.signal === null ? `with exit code ${String(answer.exitCode)}` : `by ${answer.signal}`;
        return `Its startup script failed ${how}. The environment can be used.${lastLines(printed)}`;
      }
      case 'timedOut': {
        const minutes = Math.round(timeoutMs / 6000) / 10;
        return `Its startup script was ended after ${String(minutes)} ${minutes === 1 ? 'minute' : 'minutes'}. The environment can be used.${lastLines(printed)}`;
      }
    }
  }
  return null;
}

function lastLines(printed: string): string {
  const lines = printed.split(/\r?\n|\r/).filter((line) => line.trim() !== '');
  return lines.length === 0 ? '' : ` It last printed: ${lines.slice(-linesQuoted).join('\n')}`;
}
