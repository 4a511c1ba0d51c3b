import type { Readable } from 'node:stream';
import { AppError } from '@terrarium/contract';
import { notebookByteLimit } from './nbformat.ts';

/**
 * A notebook's bytes, which have to be in memory as a whole.
 * @param name  for the sentence
 * @throws AppError TooLarge
 */
export async function readNotebookBytes(body: Readable, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    // A byte stream gives Buffers.
    const bytes = chunk as Buffer;
    size += bytes.byteLength;
    if (size > notebookByteLimit) throw tooLarge(name);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

export function tooLarge(name: string): AppError {
  const most = `${String(notebookByteLimit / 1024 / 1024)} MiB`;
  return new AppError('TooLarge', `"${name}" has more than ${most}, too much for a notebook. Clear its outputs first.`);
}
