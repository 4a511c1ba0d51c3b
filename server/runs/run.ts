import type { Run as RunResource, RunCellStatus, RunStatus } from '@terrarium/contract';
import { isoMoment, isoMomentOrNull } from '../plumbing/clock.ts';

/** One cell of a run. Its place in the list is its place in the order. */
export interface RunCell {
  readonly cellId: string;
  status: RunCellStatus;
  executionCount: number | null;
  startedAt: number | null;
  endedAt: number | null;
  error: { readonly name: string; readonly message: string } | null;
}

/** Cells of one document that one account asked to be run. Moments are epoch ms. */
export interface Run {
  readonly id: string;
  readonly documentId: string;
  readonly workspaceId: string;
  readonly accountId: string;
  /** Whether the account's environment is started for it, with what that costs. */
  readonly startsEnvironment: boolean;
  /** The kernel that its cells are sent to; null until there is one. */
  kernelId: string | null;
  status: RunStatus;
  reason: string | null;
  readonly queuedAt: number;
  startedAt: number | null;
  endedAt: number | null;
  readonly cells: readonly RunCell[];
}

export function newRun(
  fields: Pick<Run, 'id' | 'documentId' | 'workspaceId' | 'accountId' | 'startsEnvironment' | 'queuedAt'>,
  cellIds: readonly string[],
): Run {
  const cell = (cellId: string): RunCell => ({
    cellId,
    status: 'queued',
    executionCount: null,
    startedAt: null,
    endedAt: null,
    error: null,
  });
  const rest = { kernelId: null, status: 'queued', reason: null, startedAt: null, endedAt: null } as const;
  return { ...fields, ...rest, cells: cellIds.map(cell) };
}

/** The id of the message that runs this cell: the same after a restart, so that nobody sends it twice. */
export function msgIdOf(run: Pick<Run, 'id'>, position: number): string {
  return `run-${run.id}-${String(position)}`;
}

export function isOver({ status }: Pick<Run, 'status'>): boolean {
  return status !== 'queued' && status !== 'running';
}

/** What a run is when it has come to its end: a cell that failed and did not end it was allowed to. */
export function outcomeOf(run: Pick<Run, 'cells'>): 'succeeded' | 'interrupted' {
  return run.cells.some(({ status }) => status === 'interrupted') ? 'interrupted' : 'succeeded';
}

export function toResource(run: Run): RunResource {
  return {
    run: run.id,
    status: run.status,
    reason: run.reason,
    queuedAt: isoMoment(run.queuedAt),
    startedAt: isoMomentOrNull(run.startedAt),
    endedAt: isoMomentOrNull(run.endedAt),
    cells: run.cells.map((cell) => ({
      id: cell.cellId,
      status: cell.status,
      executionCount: cell.executionCount,
      startedAt: isoMomentOrNull(cell.startedAt),
      endedAt: isoMomentOrNull(cell.endedAt),
      ...(cell.error === null ? {} : { error: cell.error }),
    })),
  };
}
