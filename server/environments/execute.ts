import { AppError, environmentStatusWord, type EnvironmentStatus, type PriceTable } from '@terrarium/contract';
import type { Ledger } from '../billing/ledger.ts';
import type { Disks } from '../disks/disks.ts';
import type { Clock } from '../plumbing/clock.ts';
import { beforeDeadline } from '../plumbing/deadline.ts';
import type { Database } from '../plumbing/db/database.ts';
import type { EventBus } from '../plumbing/events.ts';
import { newId } from '../plumbing/ids.ts';
import { retryDelayMs } from '../plumbing/reconciler/backoff.ts';
import type { Claim, Reconciled } from '../plumbing/reconciler/reconciler.ts';
import { isAgentReady } from './await-agent.ts';
import { charge, chargesOf } from './charging.ts';
import type { ComputeDriver, MachineFact } from './compute-driver.ts';
import type { MachineSpecs } from './machine-spec.ts';
import { operationStore } from './timeline/store.ts';
import { planEnvironment, type EnvironmentDecision, type EnvironmentStep } from './plan.ts';
import { appliedIn, differencesBetween, givenBy, specIn } from './spec.ts';
import { createSteps } from './steps.ts';
import { environmentStore, type EnvironmentChange, type EnvironmentRow } from './store.ts';

const diskWaitMs = 2_000;
const lostAfterAttempts = 2;
const tooLong = 'This step took too long.';

/**
 * Brings environments to what is wanted of them: observe, plan, execute, again.
 * INVARIANTS: a status is written only under the lease and for the newest wish; status, price and disk attachment change
 * in one transaction; whatever is observed is charged as it is observed.
 */
export function reconcileEnvironments(options: {
  database: Database;
  driver: ComputeDriver;
  disks: Disks;
  specs: MachineSpecs;
  ledger: Ledger;
  prices: PriceTable;
  scriptTimeoutMs: number;
  events: EventBus;
  clock: Clock;
  nudge: () => void;
}): Reconciled {
  const { database, driver, disks, ledger, prices, events, clock } = options;
  const store = environmentStore(database);
  const operations = operationStore(database);
  const steps = createSteps({ ...options, store, releaseOtherDisks: disks.releaseOthers });

  async function observe(row: EnvironmentRow): Promise<{ machine: MachineFact; decision: EnvironmentDecision }> {
    const [machine, disk] = await Promise.all([driver.inspect(row.id), disks.row(row.disk_id)]);
    const isReady = machine.state === 'running' && row.desired === 'running' && (await isAgentReady(driver, row, 2000));
    const decision = planEnvironment(row, {
      disk: disk === undefined ? null : { ...disk, isGrowing: disk.grows_to_gib !== null },
      machine,
      isAgentReady: isReady,
      differences: differencesBetween(appliedIn(row), givenBy(row)),
      isScriptDue: row.script_outcome === null && specIn(row).startupScript.trim() !== '',
    });
    return { machine, decision };
  }

  /** Takes a step with its entry on the timeline. */
  async function runStep(step: EnvironmentStep, row: EnvironmentRow, claim: Claim, signal: AbortSignal): Promise<void> {
    const id = newId();
    await operations.insertStep({
      id,
      environment_id: row.id,
      operation_id: await operations.underWay(row.id),
      step,
      started_at: clock.now(),
      ended_at: null,
      outcome: 'running',
      log: '',
    });
    changed(row);
    let deadlineAt = row.deadline_at;
    const work = steps.take(step, row, {
      claim,
      signal,
      async log(text) {
        await operations.setLog(id, text);
        changed(row);
      },
      async extendTo(moment) {
        deadlineAt = Math.max(deadlineAt ?? 0, moment);
        await store.updateClaimed(claim, row.intent, { deadline_at: deadlineAt });
        await operations.extend(row.id, deadlineAt);
        changed(row);
      },
    });
    try {
      const end = await beforeEnd(work, () => deadlineAt);
      await operations.endStep(id, { ended_at: clock.now(), outcome: end.isDone ? 'done' : 'failed', log: end.log });
    } catch (error) {
      await operations.endStep(id, { ended_at: clock.now(), outcome: 'failed', log: sentenceOf(error) });
      throw error;
    }
  }

  /** A driver that never comes back must not hold the environment: the step may be repeated. */
  async function beforeEnd<T>(work: Promise<T>, deadlineAt: () => number | null): Promise<T> {
    for (;;) {
      const deadline = deadlineAt();
      if (deadline === null) return work;
      const done = work.then((value) => ({ value }));
      const first = await beforeDeadline<{ value: T } | null>(
        done,
        Math.max(0, deadline - clock.now()) + 1,
        () => null,
      );
      if (first !== null) return first.value;
      if (deadlineAt() === deadline) throw new AppError('DriverUnavailable', tooLong);
    }
  }

  function changed(row: EnvironmentRow): void {
    events.publish({ kind: 'environment', id: row.id, workspaceId: row.workspace_id }, row.owner_id);
  }

  /** @returns false when the wish has changed meanwhile, so that the caller looks again */
  async function settle(
    claim: Claim,
    row: EnvironmentRow,
    machine: MachineFact,
    decision: Extract<EnvironmentDecision, { kind: 'settle' }>,
  ): Promise<boolean> {
    const now = clock.now();
    const { status } = decision;
    const reason = decision.reason ?? reasonKept(row, status);
    const change: EnvironmentChange = {
      status,
      reason,
      attempts: 0,
      deadline_at: null,
      lease_until: null,
      run_at: null,
      ...(decision.desired === undefined ? {} : { desired: decision.desired }),
      ...(status === 'Running' && machine.state === 'running'
        ? {
            started_at: Math.max(machine.startedAt.getTime(), row.created_at),
            script_outcome: row.script_outcome ?? '',
          }
        : {}),
      ...(status === 'Stopped' || status === 'Deleted' ? { started_at: null } : {}),
      ...(status === 'Deleted' ? { deleted_at: now } : {}),
    };
    const isSettled = await database.transaction(async (inside) => {
      if (!(await environmentStore(inside).updateClaimed(claim, row.intent, change))) return false;
      await charge(inside, ledger, row, chargesOf(row, machine, prices, now), now);
      const timeline = operationStore(inside);
      if (decision.desired !== undefined) {
        await timeline.begin(row.id, { kind: 'end', reason: decision.reason, deadlineAt: null }, now);
      }
      const isError = status === 'Error' && decision.reason !== null;
      await timeline.end(row.id, {
        at: now,
        outcome: isError ? 'failed' : 'done',
        ...(isError ? { reason: decision.reason } : {}),
      });
      if (status === 'Deleted') await disks.release(inside, row.disk_id, row.id, row.delete_disk === 1);
      if (status === 'Stopped' || status === 'Deleted') await disks.releaseOthers(row.id, row.disk_id, inside);
      return true;
    });
    if (!isSettled) return false;
    if (status !== row.status || reason !== row.reason || row.deadline_at !== null) changed(row);
    if (status === 'Stopped' || status === 'Deleted') {
      events.publish({ kind: 'disk', id: row.disk_id, workspaceId: row.workspace_id }, row.owner_id);
      options.nudge();
    }
    return true;
  }

  async function failed(claim: Claim, error: unknown): Promise<void> {
    const row = await store.byId(claim.id);
    if (row === undefined) return;
    const now = clock.now();
    const isLate = row.deadline_at !== null && now > row.deadline_at;
    // It ran and does not answer any more: after a few looks a person has to know.
    const isLost = row.status === 'Running' && row.desired === 'running' && row.attempts >= lostAfterAttempts;
    const isFinal = isLate || isLost || (error instanceof AppError && error.code === 'InvalidInput');
    const change = isFinal
      ? givenUp(row, problemOf(row, error), isLate)
      : { reason: sentenceOf(error), run_at: now + retryDelayMs(row.attempts), attempts: row.attempts + 1 };
    await database.transaction(async (inside) => {
      const write = environmentStore(inside);
      const isKept = await write.updateClaimed(claim, row.intent, { ...change, lease_until: null });
      if (isFinal && isKept) {
        const reason = change.reason ?? sentenceOf(error);
        await operationStore(inside).end(row.id, { at: now, outcome: 'failed', reason });
      }
      // A wish that came meanwhile has its own run_at; only the lease is in its way.
      if (!isKept) await write.noteClaimed(claim, { lease_until: null });
    });
    changed(row);
  }

  return {
    kind: 'environment',
    claim: store.leases.claim,
    renew: store.leases.renew,
    nextRunAt: store.leases.nextRunAt,

    async reconcile(claim, signal) {
      await operations.closeOpenSteps(claim.id, clock.now());
      while (!signal.aborted) {
        const row = await store.byId(claim.id);
        if (row === undefined || row.fence !== claim.fence) return;
        const { machine, decision } = await observe(row);
        if (decision.kind === 'settle') {
          if (await settle(claim, row, machine, decision)) return;
          continue;
        }
        const now = clock.now();
        await database.transaction((inside) => charge(inside, ledger, row, chargesOf(row, machine, prices, now), now));
        if (decision.kind === 'await-disk') {
          await disks.growNow(row.disk_id);
          const wait = { run_at: now + diskWaitMs, lease_until: null };
          if (await store.updateClaimed(claim, row.intent, wait)) return;
        } else {
          await runStep(decision.step, row, claim, signal);
        }
      }
    },

    failed,
  };
}

/** What an environment becomes when what was asked of it cannot be done. */
function givenUp(row: EnvironmentRow, problem: string, isLate: boolean): EnvironmentChange {
  const rest = { run_at: null, attempts: 0, deadline_at: null };
  if (row.desired === 'asleep') {
    return { ...rest, desired: 'running', reason: `It could not be put to sleep and stays awake. ${problem}` };
  }
  // It runs as before; what could not be changed is tried again with the next change or start.
  if (row.status === 'Running' && isLate) return { ...rest, reason: `The change could not be made. ${problem}` };
  const word = environmentStatusWord[row.status].toLowerCase();
  const late = isLate ? ` It did not finish ${word} in time.` : '';
  const charged = row.desired === 'deleted' ? ' What is left of it is charged until it is deleted; try again.' : '';
  return { ...rest, status: 'Error', reason: `${problem}${late}${charged}` };
}

/** The reason that a status goes on having, where the plan gives none. */
function reasonKept(row: EnvironmentRow, status: EnvironmentStatus): string | null {
  const scriptProblem = row.script_outcome === '' ? null : row.script_outcome;
  // What was said of an attempt that failed is over when one went well.
  if (status === row.status && row.attempts === 0) return row.reason ?? (status === 'Running' ? scriptProblem : null);
  if (status === 'Running') return scriptProblem;
  const isExpected =
    (status === 'Stopped' && row.status === 'Stopping') || (status === 'Asleep' && row.status === 'Running');
  return isExpected ? row.reason : null;
}

/** When time is up in the middle of a try, what was wrong with the tries before says more. */
function problemOf(row: EnvironmentRow, error: unknown): string {
  const sentence = sentenceOf(error);
  return sentence === tooLong && row.attempts > 0 && row.reason !== null ? row.reason : sentence;
}

function sentenceOf(error: unknown): string {
  return error instanceof AppError ? error.message : 'The machine driver failed. The log has the details.';
}
