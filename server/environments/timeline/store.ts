import type { Insertable, Selectable } from 'kysely';
import type { EnvironmentOperation } from '@terrarium/contract';
import type { Database } from '../../plumbing/db/database.ts';
import { newId } from '../../plumbing/ids.ts';

export type OperationKind = EnvironmentOperation['kind'];

interface Tables {
  environment_operations: {
    id: string;
    environment_id: string;
    kind: OperationKind;
    reason: string | null;
    started_at: number;
    ended_at: number | null;
    deadline_at: number | null;
    outcome: EnvironmentOperation['outcome'];
  };
  environment_steps: {
    id: string;
    environment_id: string;
    /** Null for steps from before there were operations. */
    operation_id: string | null;
    step: string;
    started_at: number;
    ended_at: number | null;
    outcome: 'running' | 'done' | 'failed';
    log: string;
  };
}

export type OperationRow = Selectable<Tables['environment_operations']>;
export type StepRow = Selectable<Tables['environment_steps']>;

export const operationTitles: Record<OperationKind, string> = {
  create: 'Create',
  start: 'Resume',
  wake: 'Wake',
  sleep: 'Sleep',
  stop: 'Pause',
  update: 'Change the configuration',
  delete: 'Delete',
  end: 'Ended by itself',
};

const operationsKept = 100;
const operationsShown = 20;
const stepsShown = 60;

/** What was asked of environments and what was done for it, step by step: their timelines. */
export function operationStore(database: Database) {
  const tables = database.tables<Tables>();
  const operationsOf = (environmentId: string) =>
    tables.selectFrom('environment_operations').where('environment_id', '=', environmentId);

  return {
    /** Begins an operation; one that was under way is replaced by it. */
    async begin(
      environmentId: string,
      operation: { kind: OperationKind; reason: string | null; deadlineAt: number | null },
      now: number,
    ): Promise<void> {
      await tables
        .updateTable('environment_operations')
        .set({ ended_at: now, outcome: 'replaced' })
        .where('environment_id', '=', environmentId)
        .where('ended_at', 'is', null)
        .execute();
      const row: Insertable<Tables['environment_operations']> = {
        id: newId(),
        environment_id: environmentId,
        kind: operation.kind,
        reason: operation.reason,
        started_at: now,
        ended_at: null,
        deadline_at: operation.deadlineAt,
        outcome: 'running',
      };
      await tables.insertInto('environment_operations').values(row).execute();
      const oldest = await operationsOf(environmentId)
        .select('started_at')
        .orderBy('started_at', 'desc')
        .offset(operationsKept)
        .limit(1)
        .executeTakeFirst();
      if (oldest === undefined) return;
      for (const table of ['environment_operations', 'environment_steps'] as const) {
        await tables
          .deleteFrom(table)
          .where('environment_id', '=', environmentId)
          .where('started_at', '<=', oldest.started_at)
          .execute();
      }
    },

    /** Ends the one that is under way, if there is one. `reason` replaces what it began with. */
    end: (environmentId: string, end: { at: number; outcome: 'done' | 'failed'; reason?: string }) =>
      tables
        .updateTable('environment_operations')
        .set({
          ended_at: end.at,
          outcome: end.outcome,
          ...(end.reason === undefined ? {} : { reason: end.reason }),
        })
        .where('environment_id', '=', environmentId)
        .where('ended_at', 'is', null)
        .execute(),

    /** The one under way may take until then. */
    extend: (environmentId: string, deadlineAt: number) =>
      tables
        .updateTable('environment_operations')
        .set({ deadline_at: deadlineAt })
        .where('environment_id', '=', environmentId)
        .where('ended_at', 'is', null)
        .execute(),

    async underWay(environmentId: string): Promise<string | null> {
      const row = await operationsOf(environmentId).select('id').where('ended_at', 'is', null).executeTakeFirst();
      return row?.id ?? null;
    },

    /** Oldest first. */
    async list(environmentId: string): Promise<OperationRow[]> {
      const newest = await operationsOf(environmentId)
        .selectAll()
        .orderBy('started_at', 'desc')
        .orderBy('id', 'desc')
        .limit(operationsShown)
        .execute();
      return newest.reverse();
    },

    insertStep: (row: StepRow) => tables.insertInto('environment_steps').values(row).execute(),
    endStep: (id: string, change: { ended_at: number; outcome: 'done' | 'failed'; log: string }) =>
      tables.updateTable('environment_steps').set(change).where('id', '=', id).execute(),
    setLog: (id: string, log: string) =>
      tables.updateTable('environment_steps').set({ log }).where('id', '=', id).execute(),
    /** Steps that a crash left open are closed: what they began is looked at afresh. */
    closeOpenSteps: (environmentId: string, now: number) =>
      tables
        .updateTable('environment_steps')
        .set({ ended_at: now, outcome: 'failed', log: 'Interrupted; continued in the next step.' })
        .where('environment_id', '=', environmentId)
        .where('ended_at', 'is', null)
        .execute(),
    /** Oldest first. */
    async steps(environmentId: string): Promise<StepRow[]> {
      const newest = await tables
        .selectFrom('environment_steps')
        .selectAll()
        .where('environment_id', '=', environmentId)
        .orderBy('started_at', 'desc')
        .orderBy('id', 'desc')
        .limit(stepsShown)
        .execute();
      return newest.reverse();
    },
  };
}

export type Operations = ReturnType<typeof operationStore>;
