import { AppError } from '@terrarium/contract';
import type { Accounts } from '../accounts/accounts.ts';
import { authorOf, type Author } from '../accounts/author.ts';
import type { BucketOwner } from '../bucket/buckets.ts';
import type { LiveDocuments } from '../documents/documents.ts';
import type { Holding, LiveDocument } from '../documents/live-document.ts';
import type { Availability } from '../environments/availability.ts';
import type { Environments } from '../environments/environments.ts';
import type { Sleepers } from '../environments/sleeping.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Database } from '../plumbing/db/database.ts';
import { newId } from '../plumbing/ids.ts';
import type { Log } from '../plumbing/log.ts';
import type { Access } from '../workspaces/access.ts';
import { Queue } from './queue.ts';
import { isOver, newRun, type Run } from './run.ts';
import { codeCellIds, findCell, isCode } from './shared-cells.ts';
import { runStore } from './store.ts';

/** What is to be run. */
export interface RunRequest {
  readonly author: Author;
  /** In this order; absent for all code cells. */
  readonly cells?: readonly string[] | undefined;
  /** Whether the author's environment is started if it does not run, with what that costs. */
  readonly startsEnvironment: boolean;
}

export interface Runs {
  /**
   * Queues cells of a notebook for the author's kernel.
   * @throws AppError NotFound, InvalidInput (no such cell); EnvironmentPaused where it may not be started
   */
  start(document: LiveDocument, request: RunRequest): Promise<Run>;
  /** Latest first. */
  list(documentId: string, accountId: string): Promise<Run[]>;
  /** @throws AppError NotFound */
  get(documentId: string, accountId: string, runId: string): Promise<Run>;
  /** Interrupts the kernel and takes back all that waits for it. @throws AppError NotFound */
  interrupt(documentId: string, accountId: string, runId: string): Promise<Run>;
  /** @throws AppError NotPossibleNow  the cell does not wait for input of this account's kernel */
  answer(documentId: string, accountId: string, cellId: string, value: string): void;
  /** Goes on with what an earlier control plane left unfinished. */
  recover(): Promise<void>;
  /** Writes what has come and lets go. Kernels work on. */
  close(): Promise<void>;
}

/** Cells run by the server: nobody needs to be connected. */
export function createRuns(options: {
  documents: LiveDocuments;
  environments: Pick<Environments, 'agentFor' | 'defaultFor'>;
  availability: Availability;
  sleepers: Pick<Sleepers, 'wakeChosen'>;
  accounts: Pick<Accounts, 'get'>;
  access: Pick<Access, 'workspaceById'>;
  database: Database;
  clock: Clock;
  log: Log;
}): Runs {
  const { documents, environments, availability, sleepers, accounts, access, clock, log } = options;
  const store = runStore(options.database);
  const queues = new Map<string, Queue>();
  const opening = new Map<string, Promise<Queue>>();
  const closing = new Set<Promise<void>>();
  let isClosed = false;

  const nameOf = (documentId: string, accountId: string): string => `${documentId} ${accountId}`;

  documents.onMoved((document) => {
    for (const queue of queues.values()) {
      if (queue.document.id !== document.id) continue;
      queue.followPath().catch((error: unknown) => {
        log.warn({ err: error, documentId: document.id }, "runs: a renamed notebook's session keeps its old path");
      });
    }
  });

  function makeQueue(holding: Holding, author: Author): Queue {
    const { id: documentId, owner } = holding.document;
    const { accountId } = author;
    const name = nameOf(documentId, accountId);
    const queue = new Queue({
      holding,
      author,
      findDoor: () => environments.agentFor(accountId, owner.id),
      startEnvironment: async (signal) => {
        // Asked now: rights may have been taken away since the run was queued.
        const held = await access.workspaceById(accountId, owner.id, 'compute');
        const account = await accounts.get(accountId);
        if (account === null) throw new AppError('NotFound', 'The account that asked for this is gone.');
        return availability.start({ account }, held, signal);
      },
      awaitEnvironment: (signal) => availability.arrival(accountId, owner.id, signal),
      environmentEnding: () => environmentEnding(accountId, owner.id),
      store,
      clock,
      log,
      onIdle: () => {
        if (queues.get(name) !== queue) return;
        queues.delete(name);
        const closed = queue.close().finally(() => closing.delete(closed));
        closing.add(closed);
      },
    });
    queues.set(name, queue);
    return queue;
  }

  async function queueOf(documentId: string, author: Author): Promise<Queue> {
    const name = nameOf(documentId, author.accountId);
    const there = queues.get(name);
    if (there !== undefined) return there;
    let making = opening.get(name);
    if (making === undefined) {
      making = documents
        .holdById(documentId)
        .then((holding) => {
          if (holding === null) throw new AppError('NotFound', 'This notebook was deleted.');
          return queues.get(name) ?? makeQueue(holding, author);
        })
        .finally(() => opening.delete(name));
      opening.set(name, making);
    }
    return making;
  }

  async function environmentEnding(accountId: string, workspaceId: string): Promise<string> {
    const environment = await environments.defaultFor(accountId, workspaceId);
    if (environment === null || environment.status === 'Deleted' || environment.status === 'Deleting') {
      return 'The Cloud Environment was deleted.';
    }
    if (environment.status === 'Error')
      return environment.reason ?? 'The Cloud Environment has a problem. See its page.';
    return environment.reason === null
      ? 'The Cloud Environment was paused.'
      : `The Cloud Environment was paused. ${environment.reason}`;
  }

  async function requireEnvironment(accountId: string, workspaceId: string): Promise<void> {
    if ((await environments.agentFor(accountId, workspaceId)) !== null) return;
    const absence = await availability.absence(accountId, workspaceId);
    // One that is on its way was asked for, with its price.
    if (absence.code !== 'EnvironmentNotReady') throw absence;
  }

  const runs: Runs = {
    async start(document, { author, cells, startsEnvironment }) {
      const cellIds = cellsToRun(document, cells);
      const { accountId } = author;
      const known = queues.get(nameOf(document.id, accountId));
      if (isClosed) throw new AppError('DriverUnavailable', 'Terrarium is being stopped.');
      await sleepers.wakeChosen(accountId, document.owner.id);
      // A queue with a kernel needs nothing that has to be waited for.
      if (known?.isConnected !== true && !startsEnvironment) await requireEnvironment(accountId, document.owner.id);
      const queue = known ?? (await queueOf(document.id, author));
      const run = newRun(
        {
          id: newId(),
          documentId: document.id,
          workspaceId: document.owner.id,
          accountId,
          startsEnvironment,
          queuedAt: clock.now(),
        },
        cellIds,
      );
      await queue.enqueue(run);
      return run;
    },

    async list(documentId, accountId) {
      const queue = queues.get(nameOf(documentId, accountId));
      return (await store.list(documentId, accountId)).map((run) => queue?.find(run.id) ?? run);
    },

    async get(documentId, accountId, runId) {
      const run = queues.get(nameOf(documentId, accountId))?.find(runId) ?? (await store.byId(runId));
      if (run === undefined || run.documentId !== documentId || run.accountId !== accountId) {
        throw new AppError('NotFound', `There is no run "${runId.slice(0, 80)}" of yours in this notebook.`);
      }
      return run;
    },

    async interrupt(documentId, accountId, runId) {
      const run = await runs.get(documentId, accountId, runId);
      if (isOver(run)) throw new AppError('NotPossibleNow', 'This run has ended already.');
      await queues.get(nameOf(documentId, accountId))?.interrupt();
      return run;
    },

    answer(documentId, accountId, cellId, value) {
      const queue = queues.get(nameOf(documentId, accountId));
      if (queue === undefined) throw new AppError('NotPossibleNow', 'This cell does not wait for input of yours.');
      queue.answer(cellId, value);
    },

    async recover() {
      const left = Map.groupBy(await store.unfinished(), ({ documentId, accountId }) => nameOf(documentId, accountId));
      for (const group of left.values()) {
        const [first] = group;
        if (first === undefined || isClosed) continue;
        const account = await accounts.get(first.accountId);
        try {
          if (account === null) throw new AppError('NotFound', 'The account that asked for this is gone.');
          const queue = await queueOf(first.documentId, authorOf(account));
          queue.resume(group);
        } catch (error) {
          const reason = error instanceof AppError ? error.message : 'The notebook could not be opened.';
          log.warn({ err: error, documentId: first.documentId }, 'runs: cannot be gone on with');
          await store.save(group.map((run) => ended(run, reason, clock.now())));
        }
      }
    },

    async close() {
      isClosed = true;
      await Promise.allSettled(opening.values());
      const open = [...queues.values()];
      queues.clear();
      await Promise.all([...open.map((queue) => queue.close()), ...closing]);
    },
  };
  return runs;
}

/**
 * Opens the notebook that a request names.
 * @throws AppError NotFound, InvalidInput; NotFound also for somebody else's playground
 */
export async function holdNotebook(
  documents: Pick<LiveDocuments, 'hold' | 'playgroundOwner'>,
  owner: BucketOwner,
  key: string,
  accountId: string,
): Promise<Holding> {
  const holding = await documents.hold(owner, key);
  const { isPlayground } = holding.document;
  if (!isPlayground || (await documents.playgroundOwner(owner, key)) === accountId) return holding;
  holding[Symbol.dispose]();
  throw new AppError('NotFound', 'There is no such playground, or it is not yours.');
}

/** Of the cells that were named the code cells: others have nothing to run. */
function cellsToRun({ doc }: LiveDocument, cells: readonly string[] | undefined): readonly string[] {
  if (cells === undefined) return codeCellIds(doc);
  return cells.filter((cellId) => {
    const cell = findCell(doc, cellId);
    if (cell === null) {
      throw new AppError('InvalidInput', `There is no cell "${cellId.slice(0, 80)}" in this notebook.`);
    }
    return isCode(cell);
  });
}

function ended(run: Run, reason: string, endedAt: number): { run: Run; cells: Map<number, Run['cells'][number]> } {
  const cells = new Map(
    run.cells.flatMap((cell, position) =>
      cell.endedAt === null ? [[position, { ...cell, status: 'skipped' as const, endedAt }]] : [],
    ),
  );
  return { run: { ...run, status: 'failed', reason, endedAt }, cells };
}
