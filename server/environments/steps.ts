import { AppError } from '@terrarium/contract';
import type { Clock } from '../plumbing/clock.ts';
import type { Claim } from '../plumbing/reconciler/reconciler.ts';
import { agentClient, type AgentDoor } from './agent-client.ts';
import { awaitAgent } from './await-agent.ts';
import type { ComputeDriver } from './compute-driver.ts';
import { doorTo } from './doors.ts';
import type { MachineSpecs } from './machine-spec.ts';
import type { EnvironmentStep } from './plan.ts';
import { listsOf } from './sleeping.ts';
import { appliedIn, givenBy, specIn, type Applied } from './spec.ts';
import { runStartupScript } from './startup-script.ts';
import type { EnvironmentChange, EnvironmentRow, EnvironmentStore } from './store.ts';

const stopGraceMs = 5_000;

/** What goes with one step while it is taken. */
export interface StepWork {
  readonly claim: Claim;
  readonly signal: AbortSignal;
  /** Shows what the step has printed so far. */
  readonly log: (text: string) => Promise<void>;
  /** Gives the operation until then. */
  readonly extendTo: (deadlineAt: number) => Promise<void>;
}

/** How a step ended that did not throw: one that failed need not keep the next from being taken. */
export interface StepEnd {
  readonly isDone: boolean;
  readonly log: string;
}

const done: StepEnd = { isDone: true, log: '' };

/**
 * Takes steps: the only place that calls a compute driver's create, start, sleep, wake, limit, stop and delete.
 * INVARIANTS: each step may be repeated. What a machine is given is noted before a start, which gives it all anew
 * anyway, and after a change of what runs.
 */
export function createSteps(options: {
  driver: ComputeDriver;
  store: EnvironmentStore;
  specs: MachineSpecs;
  releaseOtherDisks: (environmentId: string, diskId: string) => Promise<void>;
  scriptTimeoutMs: number;
  clock: Clock;
}) {
  const { driver, store, specs, clock } = options;

  async function doorOf(row: EnvironmentRow): Promise<AgentDoor> {
    const door = await doorTo(driver, row);
    if (door === null) throw new AppError('DriverUnavailable', 'The machine of the environment does not run.');
    return door;
  }

  const isStillWished = async (row: EnvironmentRow): Promise<boolean> =>
    (await store.byId(row.id))?.intent === row.intent;

  const note = (claim: Claim, applied: Applied, more: EnvironmentChange = {}): Promise<boolean> =>
    store.noteClaimed(claim, { ...more, applied: JSON.stringify(applied) });

  async function limit(row: EnvironmentRow, claim: Claim): Promise<StepEnd> {
    const given = givenBy(row);
    const { cpus, memoryBytes } = await specs.of(row);
    try {
      await driver.limit(row.id, { cpus, memoryBytes });
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'NotPossibleNow') throw error;
      const refused = { cpus: given.cpus, memoryGiB: given.memoryGiB };
      const reason = `${error.message} The new CPUs and memory apply from the next start.`;
      await note(claim, { ...given, ...appliedIn(row), refused }, { reason });
      return { isDone: false, log: reason };
    }
    await note(claim, { ...given, ...appliedIn(row), cpus: given.cpus, memoryGiB: given.memoryGiB });
    return done;
  }

  async function runScript(row: EnvironmentRow, work: StepWork): Promise<StepEnd> {
    await work.extendTo(clock.now() + options.scriptTimeoutMs + 60_000);
    let printed = '';
    const outcome = await runStartupScript(await doorOf(row), {
      script: specIn(row).startupScript,
      timeoutMs: options.scriptTimeoutMs,
      signal: work.signal,
      isStillWished: () => isStillWished(row),
      async log(text) {
        printed = text;
        await work.log(text);
      },
    });
    if (outcome !== null) await store.noteClaimed(work.claim, { script_outcome: outcome });
    return { isDone: outcome === '', log: printed };
  }

  /** Puts it to sleep, unless it was found idle and is not any more. */
  async function sleep(row: EnvironmentRow, { claim }: StepWork): Promise<StepEnd> {
    const door = await doorOf(row);
    if (row.reason !== null) {
      const activity = await agentClient.activity(door);
      if (activity.busyReasons.length > 0 || activity.lastActivityAt > (row.last_activity_at ?? 0)) {
        await store.updateClaimed(claim, row.intent, { desired: 'running', reason: null, deadline_at: null });
        return { isDone: false, log: 'It is at work again and stays awake.' };
      }
    }
    const lists = JSON.stringify(await listsOf(door));
    await store.noteClaimed(claim, { asleep_lists: lists });
    await driver.sleep(row.id);
    return done;
  }

  return {
    async take(step: EnvironmentStep, row: EnvironmentRow, work: StepWork): Promise<StepEnd> {
      const { claim, signal } = work;
      switch (step) {
        case 'create-machine':
          await note(claim, givenBy(row), { script_outcome: null });
          await driver.create(await specs.of(row));
          return done;
        case 'start-machine': {
          const isEveryStart = specIn(row).startupScriptRuns === 'everyStart';
          await note(claim, givenBy(row), isEveryStart ? { script_outcome: null } : {});
          await options.releaseOtherDisks(row.id, row.disk_id);
          await driver.start(await specs.of(row));
          return done;
        }
        case 'wake-machine':
          await driver.wake(row.id);
          return done;
        case 'await-agent':
          await awaitAgent({ driver, clock, isStillWished: () => isStillWished(row) }, row, signal);
          return done;
        case 'apply-limits':
          return limit(row, claim);
        case 'apply-variables': {
          const { name, environmentVariables } = givenBy(row);
          await agentClient.putVariables(await doorOf(row), await specs.variablesOf(row));
          await note(claim, { ...givenBy(row), ...appliedIn(row), name, environmentVariables });
          return done;
        }
        case 'run-script':
          return runScript(row, work);
        case 'sleep-machine':
          return sleep(row, work);
        case 'stop-machine':
          await driver.stop(row.id, { graceMs: stopGraceMs });
          return done;
        case 'rebuild-machine':
        case 'delete-machine':
          await driver.delete(row.id);
          return done;
      }
    },
  };
}

/** Removes a machine that belongs to no environment. */
export function removeStray(driver: ComputeDriver, id: string): Promise<void> {
  return driver.delete(id);
}
