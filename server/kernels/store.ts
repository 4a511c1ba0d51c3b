import type { Selectable } from 'kysely';
import type { Database } from '../plumbing/db/database.ts';

export type LabDocumentKind = 'settings' | 'config' | 'layout';

interface Tables {
  lab_documents: {
    account_id: string;
    kind: LabDocumentKind;
    scope: string;
    name: string;
    value: string;
    created_at: number;
    updated_at: number;
  };
}

export type LabDocument = Selectable<Tables['lab_documents']>;
export type LabShelf = Pick<LabDocument, 'account_id' | 'kind' | 'scope'>;

/** What JupyterLab keeps for a person, by kind, scope and name. */
export function labStore(database: Database) {
  const tables = database.tables<Tables>();
  const on = (shelf: LabShelf) =>
    tables
      .selectFrom('lab_documents')
      .selectAll()
      .where('account_id', '=', shelf.account_id)
      .where('kind', '=', shelf.kind)
      .where('scope', '=', shelf.scope);
  return {
    list: (shelf: LabShelf): Promise<LabDocument[]> => on(shelf).orderBy('name').execute(),
    get: (shelf: LabShelf, name: string): Promise<LabDocument | undefined> =>
      on(shelf).where('name', '=', name).executeTakeFirst(),
    async put(shelf: LabShelf, name: string, value: string, now: number): Promise<void> {
      await tables
        .insertInto('lab_documents')
        .values({ ...shelf, name, value, created_at: now, updated_at: now })
        .onConflict((conflict) =>
          conflict.columns(['account_id', 'kind', 'scope', 'name']).doUpdateSet({ value, updated_at: now }),
        )
        .execute();
    },
    async delete(shelf: LabShelf, name: string): Promise<boolean> {
      const result = await tables
        .deleteFrom('lab_documents')
        .where('account_id', '=', shelf.account_id)
        .where('kind', '=', shelf.kind)
        .where('scope', '=', shelf.scope)
        .where('name', '=', name)
        .executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}

export type LabStore = ReturnType<typeof labStore>;
