import type { Selectable } from 'kysely';
import type { Database } from '../plumbing/db/database.ts';

interface Tables {
  documents: {
    id: string;
    workspace_id: string;
    bucket: string;
    key: string;
    /** Changes when the shared document had to begin anew, so that clients with the old one are told. */
    session_id: string;
    /** Whose playground it is; null for a notebook of the bucket. */
    playground_of: string | null;
    /** Key of the notebook that a playground was made from. */
    source_key: string | null;
    /** Size of the journal when everything in it was in the bucket; another size says that it holds more. */
    settled_bytes: number;
    created_at: number;
    used_at: number;
  };
}

export type DocumentRow = Selectable<Tables['documents']>;
export type DocumentStore = ReturnType<typeof documentStore>;

export function documentStore(database: Database) {
  const tables = database.tables<Tables>();
  return {
    async byKey(workspaceId: string, key: string): Promise<DocumentRow | undefined> {
      return tables
        .selectFrom('documents')
        .selectAll()
        .where('workspace_id', '=', workspaceId)
        .where('key', '=', key)
        .executeTakeFirst();
    },
    async byId(id: string): Promise<DocumentRow | undefined> {
      return tables.selectFrom('documents').selectAll().where('id', '=', id).executeTakeFirst();
    },
    async all(): Promise<DocumentRow[]> {
      return tables.selectFrom('documents').selectAll().execute();
    },
    async playgroundsOf(workspaceId: string, accountId: string): Promise<DocumentRow[]> {
      return tables
        .selectFrom('documents')
        .selectAll()
        .where('workspace_id', '=', workspaceId)
        .where('playground_of', '=', accountId)
        .orderBy('used_at', 'desc')
        .execute();
    },
    async insert(row: DocumentRow): Promise<void> {
      await tables.insertInto('documents').values(row).execute();
    },
    async update(id: string, change: Partial<Omit<DocumentRow, 'id'>>): Promise<void> {
      await tables.updateTable('documents').set(change).where('id', '=', id).execute();
    },
    async delete(id: string): Promise<void> {
      await tables.deleteFrom('documents').where('id', '=', id).execute();
    },
  };
}
