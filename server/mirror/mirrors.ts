import { AppError, type NotebookMirror } from '@terrarium/contract';
import type { Accounts } from '../accounts/accounts.ts';
import { authorOf } from '../accounts/author.ts';
import type { Disks } from '../disks/disks.ts';
import type { Documents } from '../documents/live-document.ts';
import type { ComputeDriver } from '../environments/compute-driver.ts';
import { doorTo } from '../environments/doors.ts';
import type { Environments } from '../environments/environments.ts';
import { ownReach } from '../environments/reaching.ts';
import { environmentStore, type EnvironmentRow } from '../environments/store.ts';
import { isoMoment, isoMomentOrNull, type Clock } from '../plumbing/clock.ts';
import type { Database } from '../plumbing/db/database.ts';
import type { EventBus } from '../plumbing/events.ts';
import { newId } from '../plumbing/ids.ts';
import type { Log } from '../plumbing/log.ts';
import type { Access } from '../workspaces/access.ts';
import type { WorkspaceStore } from '../workspaces/store.ts';
import { createAgentDisk } from './agent-notebooks.ts';
import { createBucketNotebooks, pathIn, type BucketParts } from './bucket-notebooks.ts';
import { mirrorStore } from './store.ts';
import { startWorker, type MirrorWorker } from './worker.ts';

/** Keeps `~/notebooks` of every running environment and the notebooks of its workspace the same. */
export interface Mirrors {
  start(): void;
  /** @throws AppError NotFound  no such environment of this account in this workspace */
  of(accountId: string, workspaceId: string, nameOrId: string): Promise<NotebookMirror>;
  /** Drops what is remembered of disks that are no more. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
}

export function createMirrors(
  options: BucketParts & {
    database: Database;
    driver: ComputeDriver;
    accounts: Accounts;
    access: Access;
    workspaces: WorkspaceStore;
    disks: Disks;
    environments: Pick<Environments, 'get'>;
    documents: Pick<Documents, 'opened'>;
    events: EventBus;
    clock: Clock;
    log: Log;
  },
): Mirrors {
  const { database, driver, access, accounts, workspaces, documents, events, clock } = options;
  const environments = environmentStore(database);
  const store = mirrorStore(database);
  const workers = new Map<string, { workspaceId: string; worker: MirrorWorker }>();
  /** Starting and stopping of one environment's worker, one after another. */
  const turns = new Map<string, Promise<void>>();
  let unsubscribe = (): unknown => undefined;
  let isStopped = false;

  /** Looks whether an environment has a worker if and only if it runs. */
  function look(environmentId: string): Promise<void> {
    const turn = (turns.get(environmentId) ?? Promise.resolve())
      .then(async () => {
        const row = isStopped ? undefined : await environments.byId(environmentId);
        const running = workers.get(environmentId);
        const isWanted = row?.status === 'Running' && row.desired === 'running';
        if (isWanted && running === undefined) await begin(row);
        if (!isWanted && running !== undefined) {
          workers.delete(environmentId);
          await running.worker.stop();
        }
      })
      .catch((error: unknown) => {
        options.log.warn({ err: error, environmentId }, 'mirror: it could not be started or stopped');
      });
    turns.set(environmentId, turn);
    void turn.then(() => {
      if (turns.get(environmentId) === turn) turns.delete(environmentId);
    });
    return turn;
  }

  async function begin(row: EnvironmentRow): Promise<void> {
    const { id: environmentId, workspace_id: workspaceId, owner_id: ownerId, disk_id: diskId } = row;
    const [workspace, account] = await Promise.all([workspaces.byId(workspaceId), accounts.get(ownerId)]);
    if (workspace === undefined || account === null) return;
    const log = options.log.child({ environmentId, workspaceId });
    const abort = new AbortController();
    const tell = (): void => {
      events.publish({ kind: 'mirror', id: environmentId, workspaceId }, ownerId);
    };
    const agent = () => doorTo(driver, row);
    const worker = startWorker({
      disk: createAgentDisk(agent, abort.signal),
      bucket: createBucketNotebooks(options, workspace, authorOf(account)),
      records: await store.records(diskId),
      folder: await store.folderOf(diskId),
      rememberFolder: (folder) => store.setFolder(diskId, folder),
      async canWrite() {
        try {
          await access.workspaceById(ownerId, workspaceId, 'write');
          return true;
        } catch (error) {
          if (error instanceof AppError && (error.code === 'NotAllowed' || error.code === 'NotFound')) return false;
          throw error;
        }
      },
      async notify(key, message) {
        log.info({ key }, `mirror: ${message}`);
        await store.addNotice({ id: newId(), disk_id: diskId, key, message, created_at: clock.now() });
        if (key !== null) documents.opened(workspace, key)?.tell({ type: 'notice', message });
        tell();
      },
      onChange: tell,
      clock,
      log,
      abort,
    });
    workers.set(environmentId, { workspaceId, worker });
  }

  return {
    start() {
      unsubscribe = events.subscribe(({ event }) => {
        if (event.kind === 'environment') void look(event.id);
        if (event.kind !== 'notebook') return;
        for (const { workspaceId, worker } of workers.values()) {
          if (workspaceId === event.workspaceId) worker.changed(event.id);
        }
      });
      environments
        .withStatus('Running')
        .then(async (rows) => {
          await Promise.all(rows.map((row) => look(row.id)));
        })
        .catch((error: unknown) => {
          options.log.warn({ err: error }, 'mirror: running environments could not be read');
        });
    },

    async of(accountId, workspaceId, nameOrId) {
      const { id } = await options.environments.get(ownReach(accountId, workspaceId, nameOrId));
      const row = await environments.byId(id);
      const worker = workers.get(id)?.worker;
      const diskId = row?.disk_id ?? '';
      const notices = await store.noticesOf(diskId);
      return {
        state: worker?.state ?? 'off',
        syncedAt: isoMomentOrNull(worker?.syncedAt ?? null),
        count: await store.countOf(diskId),
        problems: [...(worker?.problems ?? [])].map(([key, message]) => ({ path: pathOrNull(key), message })),
        notices: notices.map(({ key, message, created_at: at }) => ({
          at: isoMoment(at),
          path: pathOrNull(key),
          message,
        })),
      };
    },

    async sweep() {
      for (const diskId of await store.disks()) {
        const disk = await options.disks.row(diskId);
        if (disk === undefined || disk.status === 'Deleted') await store.forget(diskId);
      }
    },

    async stop() {
      isStopped = true;
      unsubscribe();
      await Promise.all([...new Set([...turns.keys(), ...workers.keys()])].map(look));
    },
  };
}

function pathOrNull(key: string | null): string | null {
  return key === null ? null : pathIn(key);
}
