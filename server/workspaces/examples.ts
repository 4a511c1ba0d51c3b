import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

const directory = path.join(import.meta.dirname, 'examples');

/** The example notebooks that a first workspace starts with, by file name. */
export async function exampleNotebooks(): Promise<{ name: string; content: Uint8Array }[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.ipynb')).sort();
  return Promise.all(names.map(async (name) => ({ name, content: await readFile(path.join(directory, name)) })));
}
