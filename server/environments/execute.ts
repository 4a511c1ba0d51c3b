import {
  AppError,
  environmentPrice,
  environmentStatusWord,
  type EnvironmentStatus,
  type PriceTable,
} from '@terrarium/contract';
import type { Accounts } from '../accounts/accounts.ts';
import type { Charge, Ledger } from '../billing/ledger.ts';
import { gib, type Disks } from '../disks/disks.ts';
import type { Clock } from '../plumbing/clock.ts';
import { beforeDeadline } from '../plumbing/deadline.ts';
import type { Database } from '../plumbing/db/database.ts';
import type { EventBus } from '../plumbing/events.ts';
import { newId } from '../plumbing/ids.ts';
import { retryDelayMs } from '../plumbing/reconciler/backoff.ts';
import type { Claim, Reconciled } from '../plumbing/reconciler/reconciler.ts';
import type { WorkspaceStore } from '../workspaces/store.ts';
import { agentClient } from './agent-client.ts';
import type { ComputeDriver, MachineFact, MachineSpec } from './compute-driver.ts';
import { planEnvironment, type EnvironmentDecision, type EnvironmentStep } from './plan.ts';
import { kernelVariables, type EnvironmentSpec } from './spec.ts';
import { environmentStore, type EnvironmentChange, type EnvironmentRow } from './store.ts';

const stopGraceMs = 5_000;
const diskWaitMs = 2_000;
const watchEveryMs = 15_000;
const agentAnswerMs = 60_000;
const agentLookMs = 15;
const lostAfterAttempts = 2;

/**
 * Brings environments to what is wanted of them: observe, plan, execute, again. The only place that calls a compute
 * driver's create, start, stop and delete.
 * INVARIANTS: each step may be repeated; a status is written only under the lease and for the newest wish; status,
 * price and disk attachment change in one transaction.
 */
export function reconcileEnvironments(options: {
  database: Database;
  driver: ComputeDriver;
  disks: Disks;
  accounts: Accounts;
  workspaces: WorkspaceStore;
  ledger: Ledger;
  prices: PriceTable;
  warmKernel: (image: string) => Promise<string | null>;
  events: EventBus;
  clock: Clock;
  nudge: () => void;
}): Reconciled {
  const { database, driver, disks, ledger, events, clock } = options;
  const store = environmentStore(database);

  async function machineSpec(row: EnvironmentRow): Promise<MachineSpec> {
    const spec = specIn(row);
    const workspace = await options.workspaces.byId(row.workspace_id);
    const owner = await options.accounts.get(row.owner_id);
    return {
      id: row.id,
      image: spec.image,
      cpus: spec.cpus,
      memoryBytes: Math.round(spec.memoryGiB * gib),
      bootDiskBytes: spec.bootDiskGiB * gib,
      diskId: row.disk_id,
      agent: {
        secret: row.agent_secret,
        warmKernel: await options.warmKernel(spec.image),
        environmentVariables: kernelVariables({
          workspace: {
            namespace: workspace?.namespace ?? '',
            name: workspace?.name ?? '',
            bucket: workspace?.bucket ?? '',
          },
          ownerEmail: owner?.email ?? '',
          environmentName: row.name,
          custom: spec.environmentVariables,
        }),
      },
    };
  }

  async function execute(step: EnvironmentStep, row: EnvironmentRow, signal: AbortSignal): Promise<void> {
    switch (step) {
      case 'create-machine':
        return driver.create(await machineSpec(row));
      case 'start-machine':
        return driver.start(await machineSpec(row));
      case 'await-agent':
        return awaitAgent(row, signal);
      case 'stop-machine':
        return driver.stop(row.id, { graceMs: stopGraceMs });
      case 'delete-machine':
        return driver.delete(row.id);
    }
  }

  async function isAgentReady(row: EnvironmentRow, timeoutMs: number): Promise<boolean> {
    const address = await driver.address(row.id);
    if (address === null) return false;
    const door = { environmentId: row.id, address, secret: row.agent_secret };
    return agentClient.health(door, timeoutMs).then(
      (health) => health.environmentId === row.id,
      () => false,
    );
  }

  /** Returns when the agent answers, the machine ends, or the wish changes: the next look decides what that means. */
  async function awaitAgent(row: EnvironmentRow, signal: AbortSignal): Promise<void> {
    const startedAt = clock.now();
    for (let look = 1; !signal.aborted; look++) {
      if (await isAgentReady(row, 1000)) return;
      if (look % 20 === 0) {
        const machine = await driver.inspect(row.id);
        if (machine.state !== 'running') {
          const log = (await driver.logs(row.id)).trim().split('\n').slice(-8).join('\n');
          throw new AppError(
            'DriverUnavailable',
            `The machine ended before its notebook service answered.${log === '' ? '' : ` It printed: ${log}`}`,
          );
        }
        const current = await store.byId(row.id);
        if (current === undefined || current.intent !== row.intent) return;
        if (clock.now() - startedAt > agentAnswerMs) {
          throw new AppError(
            'DriverUnavailable',
            'The notebook service of the environment did not answer within a minute.',
          );
        }
      }
      await new Promise((resolve) => setTimeout(resolve, agentLookMs));
    }
  }

  async function observe(row: EnvironmentRow): Promise<{ machine: MachineFact; decision: EnvironmentDecision }> {
    const [machine, disk] = await Promise.all([driver.inspect(row.id), disks.row(row.disk_id)]);
    const isReady = machine.state === 'running' && row.desired === 'running' && (await isAgentReady(row, 2000));
    const decision = planEnvironment(row, { disk: disk ?? null, machine, isAgentReady: isReady });
    return { machine, decision };
  }

  /** Runs a step with its entry on the timeline. */
  async function runStep(step: EnvironmentStep, row: EnvironmentRow, signal: AbortSignal): Promise<void> {
    const id = newId();
    await store.insertStep({
      id,
      environment_id: row.id,
      step,
      started_at: clock.now(),
      ended_at: null,
      outcome: 'running',
      log: '',
    });
    changed(row);
    try {
      const work = execute(step, row, signal);
      // A driver that never comes back must not hold the environment. The step may be repeated.
      if (row.deadline_at === null) await work;
      else await beforeDeadline(work, Math.max(0, row.deadline_at - clock.now()) + 1, tooLong);
      await store.endStep(id, { ended_at: clock.now(), outcome: 'done', log: '' });
    } catch (error) {
      await store.endStep(id, { ended_at: clock.now(), outcome: 'failed', log: sentenceOf(error) });
      throw error;
    }
  }

  function changed(row: EnvironmentRow): void {
    events.publish({ kind: 'environment', id: row.id, workspaceId: row.workspace_id }, row.owner_id);
  }

  function chargesOf(row: EnvironmentRow, machine: MachineFact, status: EnvironmentStatus): Charge[] {
    if (status === 'Deleted') return [];
    const price = environmentPrice(specIn(row), options.prices);
    // What still runs is charged as running, also in Error: a machine that is there is not free.
    if (machine.state === 'running' || machine.state === 'asleep')
      return [{ category: 'Compute', perHour: price.perHourRunning }];
    return machine.state === 'stopped' ? [{ category: 'Compute', perHour: price.perHourPaused }] : [];
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
    const keepsReason = status === row.status || (status === 'Stopped' && row.status === 'Stopping');
    const change: EnvironmentChange = {
      status,
      reason: decision.reason ?? (keepsReason ? row.reason : null),
      attempts: 0,
      deadline_at: null,
      lease_until: null,
      run_at: status === 'Running' ? now + watchEveryMs : null,
      ...(decision.desired === undefined ? {} : { desired: decision.desired }),
      ...(status === 'Running' && machine.state === 'running' ? { started_at: machine.startedAt.getTime() } : {}),
      ...(status === 'Stopped' || status === 'Deleted' ? { started_at: null } : {}),
      ...(status === 'Deleted' ? { deleted_at: now } : {}),
    };
    const isSettled = await database.transaction(async (inside) => {
      if (!(await environmentStore(inside).updateClaimed(claim, row.intent, change))) return false;
      const resource = { id: row.id, workspaceId: row.workspace_id, accountId: row.owner_id };
      await ledger.set(inside, resource, chargesOf(row, machine, status), now);
      if (status === 'Deleted') await disks.release(inside, row.disk_id, row.id, row.delete_disk === 1);
      return true;
    });
    if (!isSettled) return false;
    if (status !== row.status || change.reason !== row.reason) changed(row);
    if (status === 'Deleted') {
      events.publish({ kind: 'disk', id: row.disk_id, workspaceId: row.workspace_id }, row.owner_id);
      options.nudge();
    }
    return true;
  }

  return {
    kind: 'environment',
    claim: store.leases.claim,
    renew: store.leases.renew,
    nextRunAt: store.leases.nextRunAt,

    async reconcile(claim, signal) {
      await store.closeOpenSteps(claim.id, clock.now());
      while (!signal.aborted) {
        const row = await store.byId(claim.id);
        if (row === undefined || row.fence !== claim.fence) return;
        const { machine, decision } = await observe(row);
        if (decision.kind === 'settle') {
          if (await settle(claim, row, machine, decision)) return;
        } else if (decision.kind === 'await-disk') {
          const wait = { run_at: clock.now() + diskWaitMs, lease_until: null };
          if (await store.updateClaimed(claim, row.intent, wait)) return;
        } else {
          await runStep(decision.step, row, signal);
        }
      }
    },

    async failed(claim, error) {
      const row = await store.byId(claim.id);
      if (row === undefined) return;
      const now = clock.now();
      const isLate = row.deadline_at !== null && now > row.deadline_at;
      // It ran and does not answer any more: after a few looks a person has to know.
      const isLost = row.status === 'Running' && row.attempts >= lostAfterAttempts;
      const isFinal = isLate || isLost || (error instanceof AppError && error.code === 'InvalidInput');
      const word = environmentStatusWord[row.status].toLowerCase();
      const reason = isLate ? `${sentenceOf(error)} It did not finish ${word} in time.` : sentenceOf(error);
      const change: EnvironmentChange = isFinal
        ? { status: 'Error', reason, run_at: null, lease_until: null, attempts: 0, deadline_at: null }
        : { reason, run_at: now + retryDelayMs(row.attempts), lease_until: null, attempts: row.attempts + 1 };
      await store.updateClaimed(claim, row.intent, change);
      // A wish that came meanwhile has its own run_at; only the lease is in its way.
      await store.updateClaimed(claim, (await store.byId(claim.id))?.intent ?? row.intent, { lease_until: null });
      changed(row);
    },
  };
}

function tooLong(): never {
  throw new AppError('DriverUnavailable', 'This step took too long.');
}

export function specIn(row: EnvironmentRow): EnvironmentSpec {
  // Written by this noun alone, from the same type.
  return JSON.parse(row.spec) as EnvironmentSpec;
}

function sentenceOf(error: unknown): string {
  return error instanceof AppError ? error.message : 'The machine driver failed. The log has the details.';
}
