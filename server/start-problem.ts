import { statfsSync } from 'node:fs';
import { AppError } from '@terrarium/contract';
import type { Config } from './config.ts';

/** Why the control plane could not start, in one sentence with the next step; with its stack where we cannot tell. */
export function startProblem(error: unknown, { port, dataDirectory }: Config): string {
  const kind = kindOf(error);
  switch (kind === 'inputOutput' && isFull(dataDirectory) ? 'full' : kind) {
    case 'port':
      return `Port ${String(port)} is in use by another program. Stop that program, or choose another port: TERRARIUM_PORT=${String(port + 1)} npm start`;
    case 'privilege':
      return `Terrarium may not use port ${String(port)}. Choose one above 1023: TERRARIUM_PORT=4280 npm start`;
    case 'full':
      return `The disk that holds ${dataDirectory} is full. Free some space, or choose another folder with TERRARIUM_DATA.`;
    case 'unwritable':
      return `The folder ${dataDirectory} cannot be written to. Choose another with TERRARIUM_DATA, or make this one writable.`;
    case 'noFolder':
      return `${dataDirectory} is not a folder and cannot be made one. Choose another with TERRARIUM_DATA.`;
    case 'damaged':
      return `The database in ${dataDirectory} is damaged. Bring the folder back from a backup, or choose another with TERRARIUM_DATA.`;
    case 'inputOutput':
      return `The disk that holds ${dataDirectory} cannot be read and written without errors. Check that disk, or choose another folder with TERRARIUM_DATA.`;
    case 'unknown':
      if (error instanceof AppError) return error.message;
      return `Terrarium could not start. ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
}

type Kind = 'port' | 'privilege' | 'full' | 'unwritable' | 'noFolder' | 'damaged' | 'inputOutput' | 'unknown';

const kindOfCode: Record<string, Kind> = {
  EADDRINUSE: 'port',
  ENOSPC: 'full',
  EDQUOT: 'full',
  EROFS: 'unwritable',
  EACCES: 'unwritable',
  EPERM: 'unwritable',
  ENOTDIR: 'noFolder',
  EEXIST: 'noFolder',
  EISDIR: 'noFolder',
};

/** Primary result codes, https://sqlite.org/rescode.html */
const kindOfSqlite: Record<number, Kind> = {
  10: 'inputOutput',
  8: 'unwritable',
  11: 'damaged',
  13: 'full',
  14: 'unwritable',
  26: 'damaged',
};

function kindOf(error: unknown): Kind {
  if (!(error instanceof Error)) return 'unknown';
  if (error instanceof AppError && error.code === 'StorageFull') return 'full';
  if ('syscall' in error && error.syscall === 'listen' && 'code' in error && error.code === 'EACCES')
    return 'privilege';
  // On a read-only file system, Node's recursive mkdir says that the parent is missing.
  if ('syscall' in error && error.syscall === 'mkdir' && 'code' in error && error.code === 'ENOENT')
    return 'unwritable';
  if ('errcode' in error && typeof error.errcode === 'number') {
    // The primary code is the low byte of an extended one.
    const kind = kindOfSqlite[error.errcode % 256];
    if (kind !== undefined) return kind;
  }
  if ('code' in error && typeof error.code === 'string') {
    const kind = kindOfCode[error.code];
    if (kind !== undefined) return kind;
  }
  return kindOf(error.cause);
}

const leastRoomBytes = 1024 ** 2;

/** SQLite calls a write that found no room for its index an input/output error. */
function isFull(directory: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize < leastRoomBytes;
  } catch {
    return false;
  }
}
