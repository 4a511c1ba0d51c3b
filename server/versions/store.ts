import type { Selectable, Updateable } from 'kysely';
import type { VersionKind } from '@terrarium/contract';
import type { Database } from '../plumbing/db/database.ts';

interface Tables {
  notebook_histories: {
    id: string;
    workspace_id: string;
    /** Of the notebook now; of a deleted one, its last. */
    key: string;
    object_created_at: number;
    deleted_at: number | null;
  };
  notebook_versions: {
    id: string;
    history_id: string;
    object_key: string;
    generation: string;
    at: number;
    kind: VersionKind;
    name: string | null;
    size: number;
    /** Author[] as JSON: whose changes were stored with it. */
    authors: string;
    /** Author[] as JSON: whose changes are in it from versions before it that are gone. */
    former_authors: string;
  };
}

export type HistoryRow = Selectable<Tables['notebook_histories']>;
export type VersionRow = Selectable<Tables['notebook_versions']>;
export type VersionStore = ReturnType<typeof versionStore>;

export function versionStore(database: Database) {
  const tables = database.tables<Tables>();
  const histories = (workspaceId: string) =>
    tables.selectFrom('notebook_histories').selectAll().where('workspace_id', '=', workspaceId);
  return {
    historiesAt: (workspaceId: string, key: string): Promise<HistoryRow[]> =>
      histories(workspaceId).where('key', '=', key).execute(),
    openHistories: (workspaceId: string): Promise<HistoryRow[]> =>
      histories(workspaceId).where('deleted_at', 'is', null).execute(),
    deletedHistories: (workspaceId: string): Promise<HistoryRow[]> =>
      histories(workspaceId).where('deleted_at', 'is not', null).orderBy('deleted_at', 'desc').execute(),
    insertHistory: (row: HistoryRow) => tables.insertInto('notebook_histories').values(row).execute(),
    updateHistory: (id: string, change: Updateable<Tables['notebook_histories']>) =>
      tables.updateTable('notebook_histories').set(change).where('id', '=', id).execute(),
    deleteHistory: (id: string) => tables.deleteFrom('notebook_histories').where('id', '=', id).execute(),

    versionsOf: (historyId: string): Promise<VersionRow[]> =>
      tables.selectFrom('notebook_versions').selectAll().where('history_id', '=', historyId).execute(),
    /** Which generations of an object are versions already, of whatever notebook. */
    async knownGenerations(workspaceId: string, objectKey: string): Promise<Set<string>> {
      const rows = await tables
        .selectFrom('notebook_versions')
        .innerJoin('notebook_histories', 'notebook_histories.id', 'notebook_versions.history_id')
        .select('generation')
        .where('workspace_id', '=', workspaceId)
        .where('object_key', '=', objectKey)
        .execute();
      return new Set(rows.map(({ generation }) => generation));
    },
    insertVersion: (row: VersionRow) => tables.insertInto('notebook_versions').values(row).execute(),
    updateVersion: (id: string, change: Updateable<Tables['notebook_versions']>) =>
      tables.updateTable('notebook_versions').set(change).where('id', '=', id).execute(),
    deleteVersion: (id: string) => tables.deleteFrom('notebook_versions').where('id', '=', id).execute(),
  };
}
