import type { Author } from '../accounts/author.ts';
import { buffer } from 'node:stream/consumers';
import type { BucketOwner, Buckets } from '../bucket/buckets.ts';
import type { Documents, LiveDocument, RoomMember, Stored } from '../documents/live-document.ts';
import { readNotebook, writeNotebook, type Notebook } from '../documents/nbformat.ts';

type Handler = Parameters<Documents['onMessage']>[1];

/** What versions ask of documents, for notebooks that nobody has open: every change is stored at once. */
export function testingDocuments(buckets: Buckets) {
  const listeners: ((stored: Stored) => void)[] = [];
  const handlers = new Map<string, Handler>();

  async function put(
    owner: BucketOwner,
    key: string,
    notebook: Notebook,
    authors: readonly Author[],
    ifGeneration?: string,
  ): Promise<string> {
    const info = await buckets.put(owner, key, Buffer.from(writeNotebook(notebook)), { ifGeneration });
    const { generation, size } = info;
    const stored = { documentId: key, owner, key, generation, size, at: info.updatedAt.getTime(), authors };
    for (const listener of listeners) listener(stored);
    return generation;
  }

  return {
    put,
    async send(
      member: RoomMember,
      document: Pick<LiveDocument, 'owner' | 'key'>,
      message: { type: string; name?: string },
    ) {
      // Of the document, only these two are asked for.
      handlers.get(message.type)?.(member, document as LiveDocument, message);
    },
    flush: async () => undefined,
    opened: () => null,
    onStored(listener: (stored: Stored) => void) {
      listeners.push(listener);
    },
    onMessage(type: string, handler: Handler) {
      handlers.set(type, handler);
    },
    merge: (async (owner, key, { notebook, author, base }) => {
      const found = await buckets.get(owner, key);
      if (found === null) throw new Error(`There is no ${key}.`);
      const present = readNotebook(await buffer(found.body));
      const { generation } = found.info;
      if (base !== null && base !== generation) return { kind: 'conflict', cells: [], generation };
      if (present.kind === 'notebook' && writeNotebook(present.notebook) === writeNotebook(notebook)) {
        return { kind: 'applied', generation };
      }
      return { kind: 'applied', generation: await put(owner, key, notebook, author === null ? [] : [author]) };
    }) satisfies Documents['merge'],
  };
}
