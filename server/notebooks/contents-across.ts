import * as z from 'zod';
import { AppError } from '@terrarium/contract';
import type { Buckets } from '../bucket/buckets.ts';
import { alreadyExists } from '../bucket/move-object.ts';
import type { AgentDoor } from '../environments/agent-client.ts';
import { askAgent, type AgentAnswer } from './agent-http.ts';
import { nameOf, parentOf, type ContentsScope, type Place } from './contents-model.ts';
import { copyNames } from './contents-names.ts';
import { noSuchFile, type ContentsReader, type Entry } from './contents-read.ts';
import type { ContentsWriter } from './contents-write.ts';

type FilePlace = Exclude<Place, { kind: 'root' }>;

const FileOnDisk = z.looseObject({ type: z.string(), content: z.string(), format: z.string() });

/** Copies and moves single files between the bucket and the disk of a running environment. */
export function createContentsAcross(deps: { buckets: Buckets; reader: ContentsReader; writer: ContentsWriter }) {
  const { buckets, reader, writer } = deps;

  async function read(scope: ContentsScope, agent: AgentDoor, place: FilePlace): Promise<Buffer> {
    if (place.kind === 'bucket') {
      if ((await buckets.head(scope.owner, place.path)) === null && (await reader.isDirectory(scope, place.path))) {
        throw onlyFiles(place.path);
      }
      const query = { content: true, type: 'file', format: 'base64', hash: false } as const;
      const { model } = await reader.get(scope, place.path, query);
      // A file read as base64 has text for its content.
      return Buffer.from(model.content as string, 'base64');
    }
    const about = await ask(agent, 'GET', `${contentsUrl(place.path)}?content=0`);
    if (about.status === 404) throw noSuchFile(place.path);
    if (parsed(about)['type'] === 'directory') throw onlyFiles(place.path);
    const answer = succeeded(await ask(agent, 'GET', `${contentsUrl(place.path)}?content=1&type=file&format=base64`));
    return Buffer.from(FileOnDisk.parse(parsed(answer)).content, 'base64');
  }

  async function isOnDisk(agent: AgentDoor, path: string): Promise<boolean> {
    const { status } = await ask(agent, 'GET', `${contentsUrl(path)}?content=0`);
    return status !== 404;
  }

  async function writeToDisk(agent: AgentDoor, path: string, bytes: Buffer): Promise<AgentAnswer> {
    const body = { type: 'file', format: 'base64', content: bytes.toString('base64') };
    return succeeded(await ask(agent, 'PUT', contentsUrl(path), body));
  }

  return {
    /** @returns the new file: an entry of the bucket, or the agent's answer */
    async copy(
      scope: ContentsScope,
      agent: AgentDoor,
      from: FilePlace,
      directory: Place,
    ): Promise<Entry | AgentAnswer> {
      const name = nameOf(from.path);
      const bytes = await read(scope, agent, from);
      if (directory.kind === 'bucket') return writer.add(scope, directory.path, copyNames(name), bytes);
      for (const candidate of copyNames(name)) {
        const path = directory.kind === 'root' ? candidate : `${directory.path}/${candidate}`;
        if (!(await isOnDisk(agent, path))) return writeToDisk(agent, path, bytes);
      }
      throw alreadyExists(name);
    },

    async move(scope: ContentsScope, agent: AgentDoor, from: FilePlace, to: FilePlace): Promise<Entry | AgentAnswer> {
      if (from.kind === 'disk') {
        const bytes = await read(scope, agent, from);
        if (await reader.exists(scope, to.path)) throw alreadyExists(to.path);
        const entry = await writer.add(scope, parentOf(to.path), [nameOf(to.path)], bytes);
        succeeded(await ask(agent, 'DELETE', contentsUrl(from.path)));
        return entry;
      }
      const before = await buckets.head(scope.owner, from.path);
      const bytes = await read(scope, agent, from);
      if (await isOnDisk(agent, to.path)) throw alreadyExists(to.path);
      const answer = await writeToDisk(agent, to.path, bytes);
      // What was saved between reading and now is not in the copy, so then the original stays.
      await writer.delete(scope, from.path, before?.generation);
      return answer;
    },
  };
}

export function contentsUrl(path: string): string {
  return `/api/contents/${path.split('/').map(encodeURIComponent).join('/')}`;
}

function ask(agent: AgentDoor, method: string, path: string, body?: object): Promise<AgentAnswer> {
  return askAgent(agent, { method, path, ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }) });
}

function parsed(answer: AgentAnswer): Record<string, unknown> {
  return z.record(z.string(), z.unknown()).parse(JSON.parse(answer.body.toString('utf8')));
}

function succeeded(answer: AgentAnswer): AgentAnswer {
  if (answer.status < 400) return answer;
  let message = `The environment answered ${String(answer.status)}.`;
  try {
    message = z.object({ message: z.string() }).parse(parsed(answer)).message;
  } catch {
    // The status is all that is known.
  }
  throw new AppError(
    answer.status === 507 ? 'StorageFull' : answer.status === 404 ? 'NotFound' : 'NotPossibleNow',
    message,
  );
}

function onlyFiles(path: string): AppError {
  return new AppError(
    'InvalidInput',
    `"${path}" is a folder. Between the bucket and the disk only files are moved or copied, one by one; use a terminal for folders.`,
  );
}
