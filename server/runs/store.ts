import { sql, type Selectable } from 'kysely';
import type { RunCellStatus, RunStatus } from '@terrarium/contract';
import type { Database } from '../plumbing/db/database.ts';
import type { Run, RunCell } from './run.ts';

interface Tables {
  runs: {
    id: string;
    document_id: string;
    workspace_id: string;
    account_id: string;
    starts_environment: number;
    kernel_id: string | null;
    status: RunStatus;
    reason: string | null;
    place: number;
    queued_at: number;
    started_at: number | null;
    ended_at: number | null;
  };
  run_cells: {
    run_id: string;
    position: number;
    cell_id: string;
    status: RunCellStatus;
    execution_count: number | null;
    started_at: number | null;
    ended_at: number | null;
    /** `{ name, message }` as JSON. */
    error: string | null;
  };
}

type RunRow = Selectable<Tables['runs']>;
type CellRow = Selectable<Tables['run_cells']>;

/** Runs that are kept of a notebook for each account. */
const keptRuns = 100;
/** SQLite takes 32766 parameters in a statement. */
const cellsAtOnce = 1000;

export type RunStore = ReturnType<typeof runStore>;

/**
 * Runs and how far they have come. Writes are quick transactions: they outlive kill -9, and after a power cut the kernel
 * itself is asked how far it came.
 */
export function runStore(database: Database) {
  const tables = database.tables<Tables>();
  const runs = () => tables.selectFrom('runs').selectAll();

  async function withCells(rows: readonly RunRow[]): Promise<Run[]> {
    const cells = await tables
      .selectFrom('run_cells')
      .selectAll()
      .where(
        'run_id',
        'in',
        rows.map(({ id }) => id),
      )
      .orderBy('position')
      .execute();
    return rows.map((row) =>
      toRun(
        row,
        cells.filter(({ run_id }) => run_id === row.id),
      ),
    );
  }

  return {
    async insert(run: Run): Promise<void> {
      await database.quickTransaction(async (inside) => {
        const write = inside.tables<Tables>();
        await write
          .insertInto('runs')
          .values((insert) => ({
            ...toRow(run),
            // One behind all there are.
            place: insert
              .selectFrom('runs')
              .select((select) =>
                sql<number>`${select.fn.coalesce(select.fn.max('place'), select.lit(0))} + 1`.as('place'),
              ),
          }))
          .execute();
        for (let from = 0; from < run.cells.length; from += cellsAtOnce) {
          const batch = run.cells.slice(from, from + cellsAtOnce);
          const rows = batch.map((cell, index) => toCellRow(run, cell, from + index));
          await write.insertInto('run_cells').values(rows).execute();
        }
      });
    },

    async setKernel(changed: readonly Run[], kernelId: string): Promise<void> {
      const ids = changed.map(({ id }) => id);
      await database.quickTransaction((inside) =>
        inside.tables<Tables>().updateTable('runs').set({ kernel_id: kernelId }).where('id', 'in', ids).execute(),
      );
    },

    /** Writes how far runs have come: the runs themselves and these of their cells, by position. */
    async save(changes: readonly { run: Run; cells: ReadonlyMap<number, RunCell> }[]): Promise<void> {
      await database.quickTransaction(async (inside) => {
        const write = inside.tables<Tables>();
        for (const { run, cells } of changes) {
          await write.updateTable('runs').set(toRow(run)).where('id', '=', run.id).execute();
          for (const [position, cell] of cells) {
            await write
              .updateTable('run_cells')
              .set(toCellRow(run, cell, position))
              .where('run_id', '=', run.id)
              .where('position', '=', position)
              .execute();
          }
        }
      });
    },

    /** Forgets the oldest runs of a notebook that are over. */
    async prune(documentId: string, accountId: string): Promise<void> {
      const last = await runs()
        .where('document_id', '=', documentId)
        .where('account_id', '=', accountId)
        .orderBy('place', 'desc')
        .offset(keptRuns)
        .limit(1)
        .executeTakeFirst();
      if (last === undefined) return;
      await database.quickTransaction((inside) =>
        inside
          .tables<Tables>()
          .deleteFrom('runs')
          .where('document_id', '=', documentId)
          .where('account_id', '=', accountId)
          .where('place', '<=', last.place)
          .where('status', 'not in', ['queued', 'running'])
          .execute(),
      );
    },

    async byId(runId: string): Promise<Run | undefined> {
      const row = await runs().where('id', '=', runId).executeTakeFirst();
      return row === undefined ? undefined : (await withCells([row]))[0];
    },

    /** Latest first. */
    async list(documentId: string, accountId: string): Promise<Run[]> {
      const rows = await runs()
        .where('document_id', '=', documentId)
        .where('account_id', '=', accountId)
        .orderBy('place', 'desc')
        .limit(keptRuns)
        .execute();
      return rows.length === 0 ? [] : withCells(rows);
    },

    /** Runs that a control plane before this one left unfinished, oldest first. */
    async unfinished(): Promise<Run[]> {
      const rows = await runs().where('status', 'in', ['queued', 'running']).orderBy('place').execute();
      return rows.length === 0 ? [] : withCells(rows);
    },

    /** The latest execution of each cell on this kernel, in the order in which they were sent. */
    async latestOn(
      documentId: string,
      kernelId: string,
    ): Promise<{ runId: string; position: number; cellId: string }[]> {
      const rows = await tables
        .selectFrom('run_cells')
        .innerJoin('runs', 'runs.id', 'run_cells.run_id')
        .select(['run_cells.run_id', 'run_cells.position', 'run_cells.cell_id'])
        .where('runs.document_id', '=', documentId)
        .where('runs.kernel_id', '=', kernelId)
        .where('run_cells.started_at', 'is not', null)
        .orderBy('runs.place')
        .orderBy('run_cells.position')
        .execute();
      const latest = new Map(
        rows.map(({ run_id: runId, position, cell_id: cellId }) => [cellId, { runId, position, cellId }]),
      );
      return [...latest.values()];
    },

    /** The kernel that the account's last run of this notebook was sent to. */
    async lastKernel(documentId: string, accountId: string): Promise<string | null> {
      const row = await runs()
        .where('document_id', '=', documentId)
        .where('account_id', '=', accountId)
        .where('kernel_id', 'is not', null)
        .orderBy('place', 'desc')
        .executeTakeFirst();
      return row?.kernel_id ?? null;
    },
  };
}

function toRow(run: Run): Omit<RunRow, 'place'> {
  return {
    id: run.id,
    document_id: run.documentId,
    workspace_id: run.workspaceId,
    account_id: run.accountId,
    starts_environment: run.startsEnvironment ? 1 : 0,
    kernel_id: run.kernelId,
    status: run.status,
    reason: run.reason,
    queued_at: run.queuedAt,
    started_at: run.startedAt,
    ended_at: run.endedAt,
  };
}

function toCellRow(run: Run, cell: RunCell, position: number): CellRow {
  return {
    run_id: run.id,
    position,
    cell_id: cell.cellId,
    status: cell.status,
    execution_count: cell.executionCount,
    started_at: cell.startedAt,
    ended_at: cell.endedAt,
    error: cell.error === null ? null : JSON.stringify(cell.error),
  };
}

function toRun(row: RunRow, cells: readonly CellRow[]): Run {
  return {
    id: row.id,
    documentId: row.document_id,
    workspaceId: row.workspace_id,
    accountId: row.account_id,
    startsEnvironment: row.starts_environment === 1,
    kernelId: row.kernel_id,
    status: row.status,
    reason: row.reason,
    queuedAt: row.queued_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    cells: cells.map((cell) => ({
      cellId: cell.cell_id,
      status: cell.status,
      executionCount: cell.execution_count,
      startedAt: cell.started_at,
      endedAt: cell.ended_at,
      // Written by toCellRow above.
      error: cell.error === null ? null : (JSON.parse(cell.error) as RunCell['error']),
    })),
  };
}
