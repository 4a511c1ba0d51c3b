import { execFileSync } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';

const name = 'text';

/** Leaves a text on a disk that no machine runs with, past the driver. */
export async function writeToDisk(dataDirectory: string, id: string, text: string): Promise<void> {
  const [image, folder] = placesOf(dataDirectory, id);
  if (await isThere(folder)) return fs.writeFile(path.join(folder, name), text);
  const file = path.join(dataDirectory, `${id}.text`);
  await fs.writeFile(file, text);
  for (const command of [`rm ${name}`, `write ${file} ${name}`]) debugfs('-w', '-R', command, image);
  await fs.rm(file);
}

/** What was left there. */
export async function readFromDisk(dataDirectory: string, id: string): Promise<string> {
  const [image, folder] = placesOf(dataDirectory, id);
  return (await isThere(folder))
    ? fs.readFile(path.join(folder, name), 'utf8')
    : debugfs('-R', `cat ${name}`, image).toString();
}

function placesOf(dataDirectory: string, id: string): [image: string, folder: string] {
  const at = (ending: string): string => path.join(dataDirectory, 'disks', `${id}.${ending}`);
  return [at('img'), at('dir')];
}

function debugfs(...args: string[]): Buffer {
  return execFileSync('/usr/bin/env', ['debugfs', ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
}

async function isThere(place: string): Promise<boolean> {
  return (await fs.lstat(place).catch(() => null)) !== null;
}
