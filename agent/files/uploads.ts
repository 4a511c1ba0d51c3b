import { appendFile, open, rm } from 'node:fs/promises';
import { HttpError } from '../http-error.ts';
import { replaceWith, temporaryBeside } from './write-file.ts';

/** Uploads that arrive in chunks; a file gets its name only when its last chunk is there. */
export class Uploads {
  readonly #parts = new Map<string, { temporary: string; bytes: number }>();

  /**
   * Takes chunk 1, 2, … and -1 for the last one, as JupyterLab numbers them.
   * @returns how many bytes have arrived, and whether the file is complete
   */
  async add(target: string, chunk: number, bytes: Buffer): Promise<{ bytes: number; isComplete: boolean }> {
    if (chunk === 1) {
      await this.drop(target);
      this.#parts.set(target, { temporary: temporaryBeside(target), bytes: 0 });
    }
    const part = this.#parts.get(target);
    if (part === undefined)
      throw new HttpError(400, 'This upload was not begun here; start again with its first chunk.');
    try {
      await appendFile(part.temporary, bytes);
      part.bytes += bytes.length;
      if (chunk !== -1) return { bytes: part.bytes, isComplete: false };
      const file = await open(part.temporary, 'r+');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
      await replaceWith(part.temporary, target);
      this.#parts.delete(target);
      return { bytes: part.bytes, isComplete: true };
    } catch (error) {
      await this.drop(target);
      throw error;
    }
  }

  async drop(target: string): Promise<void> {
    const part = this.#parts.get(target);
    this.#parts.delete(target);
    if (part !== undefined) await rm(part.temporary, { force: true });
  }
}
