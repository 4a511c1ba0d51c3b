import { buffer } from 'node:stream/consumers';
import type { BucketOwner, Buckets } from '../bucket/buckets.ts';
import type { ObjectInfo } from '../bucket/object-store.ts';
import { isObject } from '../documents/json-object.ts';
import { kernelOf } from '../documents/nbformat.ts';

export interface NotebookFacts {
  readonly kernel: string | null;
  readonly language: string | null;
}

const keptFacts = 50_000;
const tailBytes = 64 * 1024;
const readWholeUpTo = 64 * 1024 * 1024;
const unknown: NotebookFacts = { kernel: null, language: null };

/**
 * What a list says of each notebook beyond the object itself. Read once for each generation, so that listing a thousand
 * notebooks again reads none of them.
 */
export function createNotebookFacts(buckets: Buckets) {
  const known = new Map<string, Promise<NotebookFacts>>();

  async function read(owner: BucketOwner, info: ObjectInfo): Promise<NotebookFacts> {
    if (info.size > tailBytes) {
      const range = { start: info.size - tailBytes, end: info.size - 1 };
      const tail = await buckets.get(owner, info.key, { range, generation: info.generation });
      if (tail === null) return unknown;
      const metadata = metadataInTail((await buffer(tail.body)).toString('utf8'));
      if (metadata !== undefined) return kernelOf(metadata);
    }
    if (info.size > readWholeUpTo) return unknown;
    const whole = await buckets.get(owner, info.key, { generation: info.generation });
    return whole === null ? unknown : kernelOf(metadataOf((await buffer(whole.body)).toString('utf8')));
  }

  return {
    of(owner: BucketOwner, info: ObjectInfo): Promise<NotebookFacts> {
      const id = `${owner.bucket}\n${info.key}\n${info.generation}`;
      let facts = known.get(id);
      if (facts === undefined) {
        facts = read(owner, info).catch((error: unknown) => {
          known.delete(id);
          throw error;
        });
        const oldest = known.keys().next();
        if (known.size >= keptFacts && oldest.done !== true) known.delete(oldest.value);
        known.set(id, facts);
      }
      return facts;
    },
  };
}

/**
 * A notebook's metadata from the end of its file, as Jupyter writes it: keys sorted, so that `metadata` comes after
 * `cells`, and indented by one space, which no deeper key is and no text in JSON can look like.
 */
function metadataInTail(text: string): unknown {
  const start = text.lastIndexOf('\n "metadata": {');
  const end = start === -1 ? -1 : text.indexOf('\n }', start);
  return end === -1 ? undefined : parsed(text.slice(text.indexOf('{', start), end + '\n }'.length));
}

function metadataOf(text: string): unknown {
  const notebook = parsed(text.replace(/^\ufeff/, ''));
  return isObject(notebook) ? notebook['metadata'] : undefined;
}

// A list shows broken notebooks too; what is wrong with one is said when it is opened.
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
