import { AppError } from '@terrarium/contract';
import type { Clock } from '../plumbing/clock.ts';
import { agentClient } from './agent-client.ts';
import type { ComputeDriver } from './compute-driver.ts';
import { doorTo } from './doors.ts';
import type { EnvironmentRow } from './store.ts';

const answerWithinMs = 60_000;
const lookMs = 15;

/** Whether the environment's agent answers now. */
export async function isAgentReady(driver: ComputeDriver, row: EnvironmentRow, timeoutMs: number): Promise<boolean> {
  const door = await doorTo(driver, row);
  if (door === null) return false;
  return agentClient.health(door, timeoutMs).then(
    (health) => health.environmentId === row.id,
    () => false,
  );
}

/**
 * Returns when the agent answers, or the wish changes: the next look decides what that means.
 * @throws AppError DriverUnavailable  the machine ended first, with what it printed; or time is up
 */
export async function awaitAgent(
  parts: { driver: ComputeDriver; clock: Clock; isStillWished: () => Promise<boolean> },
  row: EnvironmentRow,
  signal: AbortSignal,
): Promise<void> {
  const { driver, clock, isStillWished } = parts;
  const startedAt = clock.now();
  for (let look = 1; !signal.aborted; look++) {
    if (await isAgentReady(driver, row, 1000)) return;
    if (look % 20 === 0) {
      const machine = await driver.inspect(row.id);
      if (machine.state !== 'running') {
        const log = (await driver.logs(row.id)).trim().split('\n').slice(-8).join('\n');
        throw new AppError(
          'DriverUnavailable',
          `The machine ended before its notebook service answered.${log === '' ? '' : ` It printed: ${log}`}`,
        );
      }
      if (!(await isStillWished())) return;
      if (clock.now() - startedAt > answerWithinMs) {
        throw new AppError(
          'DriverUnavailable',
          'The notebook service of the environment did not answer within a minute.',
        );
      }
    }
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
