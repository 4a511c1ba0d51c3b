import { createHash } from 'node:crypto';
import { isObject } from '../documents/json-object.ts';
import { readNotebook, type Notebook } from '../documents/nbformat.ts';

/** The bytes of a notebook and what is in them. */
export interface Content {
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes, in hex. */
  readonly bytesHash: string;
  /** Equal for bytes that hold the same notebook. */
  readonly contentHash: string;
  /** Null when the bytes are not a notebook; `problem` says why. */
  readonly notebook: Notebook | null;
  /** Continues the sentence `"a.ipynb" is not a notebook: …`. */
  readonly problem: string | null;
}

/**
 * Two files hold the same notebook when they are the same after being read as nbformat 4.5: spaces, line ends, the order
 * of keys, texts as lists of lines or in one piece, missing ids of cells, trust marks and signatures make no difference.
 * What is not a notebook is compared byte by byte.
 */
export function contentOf(bytes: Uint8Array): Content {
  const bytesHash = createHash('sha256').update(bytes).digest('hex');
  const reading = readNotebook(bytes);
  if (reading.kind === 'refused') {
    return { bytes, bytesHash, contentHash: `bytes:${bytesHash}`, notebook: null, problem: reading.reason };
  }
  const { notebook } = reading;
  const contentHash = createHash('sha256').update(JSON.stringify(notebook, inOrder)).digest('hex');
  return { bytes, bytesHash, contentHash, notebook, problem: null };
}

/** For JSON.stringify: objects with their keys in order. */
function inOrder(_key: string, value: unknown): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, value[key]]),
  );
}
