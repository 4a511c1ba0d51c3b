import type { Kysely, Selectable } from 'kysely';
import type { Database } from '../plumbing/db/database.ts';
import type { MirrorRecord, Records, SideName } from './sides.ts';

interface Tables {
  mirror_disks: {
    disk_id: string;
    /** Tells the folder from another one that has its name. */
    folder: string;
  };
  mirror_files: {
    disk_id: string;
    key: string;
    content_hash: string;
    generation: string;
    disk_hash: string;
  };
  /** What is about to go to one side. */
  mirror_intents: {
    disk_id: string;
    key: string;
    side: SideName;
    content_hash: string;
  };
  mirror_notices: {
    id: string;
    disk_id: string;
    key: string | null;
    message: string;
    created_at: number;
  };
}

export type NoticeRow = Selectable<Tables['mirror_notices']>;

const noticesKept = 50;
const none: ReadonlySet<string> = new Set();

export function mirrorStore(database: Database) {
  const tables = database.tables<Tables>();
  return {
    /** The records of one disk, read once: one worker alone changes them. */
    async records(diskId: string): Promise<Records> {
      const rows = await tables.selectFrom('mirror_files').selectAll().where('disk_id', '=', diskId).execute();
      const records = new Map<string, MirrorRecord>();
      for (const { key, content_hash: contentHash, generation, disk_hash: diskHash } of rows) {
        records.set(key, { key, contentHash, generation, diskHash });
      }
      const intents = new Map<string, Record<SideName, Set<string>>>();
      const intentsOf = (key: string): Record<SideName, Set<string>> => {
        const found = intents.get(key) ?? { disk: new Set(), bucket: new Set() };
        intents.set(key, found);
        return found;
      };
      for (const row of await tables.selectFrom('mirror_intents').selectAll().where('disk_id', '=', diskId).execute()) {
        intentsOf(row.key)[row.side].add(row.content_hash);
      }
      /** Writes the record and takes the intentions back in one transaction. */
      const settle = async (key: string, write: (inside: Kysely<Tables>) => Promise<unknown>): Promise<void> => {
        await database.transaction(async (inside) => {
          const within = inside.tables<Tables>();
          await write(within);
          if (intents.has(key)) {
            await within.deleteFrom('mirror_intents').where('disk_id', '=', diskId).where('key', '=', key).execute();
          }
        });
        intents.delete(key);
      };
      return {
        get: (key) => records.get(key),
        all: () => records.values(),
        async set(record) {
          const { key, contentHash, generation, diskHash } = record;
          const values = { content_hash: contentHash, generation, disk_hash: diskHash };
          await settle(key, (inside) =>
            inside
              .insertInto('mirror_files')
              .values({ disk_id: diskId, key, ...values })
              .onConflict((conflict) => conflict.columns(['disk_id', 'key']).doUpdateSet(values))
              .execute(),
          );
          records.set(key, record);
        },
        async delete(key) {
          await settle(key, (inside) =>
            inside.deleteFrom('mirror_files').where('disk_id', '=', diskId).where('key', '=', key).execute(),
          );
          records.delete(key);
        },
        intended: (key, to) => intents.get(key)?.[to] ?? none,
        async intend(key, to, contentHash) {
          if (intents.get(key)?.[to].has(contentHash) === true) return;
          const row = { disk_id: diskId, key, side: to, content_hash: contentHash };
          await tables.insertInto('mirror_intents').values(row).execute();
          intentsOf(key)[to].add(contentHash);
        },
      };
    },

    async countOf(diskId: string): Promise<number> {
      const row = await tables
        .selectFrom('mirror_files')
        .select((select) => select.fn.countAll<number>().as('count'))
        .where('disk_id', '=', diskId)
        .executeTakeFirst();
      return row?.count ?? 0;
    },

    async folderOf(diskId: string): Promise<string | null> {
      const row = await tables
        .selectFrom('mirror_disks')
        .select('folder')
        .where('disk_id', '=', diskId)
        .executeTakeFirst();
      return row?.folder ?? null;
    },
    setFolder: (diskId: string, folder: string) =>
      tables
        .insertInto('mirror_disks')
        .values({ disk_id: diskId, folder })
        .onConflict((conflict) => conflict.column('disk_id').doUpdateSet({ folder }))
        .execute(),

    async addNotice(row: NoticeRow): Promise<void> {
      await tables.insertInto('mirror_notices').values(row).execute();
      const kept = tables
        .selectFrom('mirror_notices')
        .select('id')
        .where('disk_id', '=', row.disk_id)
        .orderBy('created_at', 'desc')
        .limit(noticesKept);
      await tables
        .deleteFrom('mirror_notices')
        .where('disk_id', '=', row.disk_id)
        .where('id', 'not in', kept)
        .execute();
    },
    noticesOf: (diskId: string): Promise<NoticeRow[]> =>
      tables
        .selectFrom('mirror_notices')
        .selectAll()
        .where('disk_id', '=', diskId)
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .execute(),

    /** Drops what is remembered of a disk that is no more. */
    async forget(diskId: string): Promise<void> {
      for (const table of ['mirror_files', 'mirror_intents', 'mirror_disks', 'mirror_notices'] as const) {
        await tables.deleteFrom(table).where('disk_id', '=', diskId).execute();
      }
    },
    disks: async (): Promise<string[]> =>
      (await tables.selectFrom('mirror_disks').select('disk_id').execute()).map((row) => row.disk_id),
  };
}

export type MirrorStore = ReturnType<typeof mirrorStore>;
