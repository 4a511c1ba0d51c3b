import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { mimeTypeOf } from '../files/mime.ts';
import { HttpError } from '../http-error.ts';
import { paths } from '../paths.ts';
import { isRecord, readJson, sendJson, sendNothing, type Route } from '../router.ts';
import type { JournalEntry } from './journal.ts';
import type { Kernel } from './kernel.ts';
import type { Kernels } from './kernels.ts';
import { kernelspecModel } from './kernelspecs.ts';
import { kernelModel } from './model.ts';
import type { Sessions } from './sessions.ts';
import { jsonObject } from './wire.ts';

export function kernelRoutes(kernels: Kernels, sessions: Sessions): Route[] {
  const id = (params: Readonly<Record<string, string>>): string => params['id'] ?? '';
  return [
    {
      method: 'GET',
      path: '/api/kernelspecs',
      async handle({ response }) {
        const specs = [...(await kernels.specs()).values()];
        const models = await Promise.all(specs.map(async (spec) => [spec.name, await kernelspecModel(spec)] as const));
        sendJson(response, 200, { default: await kernels.defaultName(), kernelspecs: Object.fromEntries(models) });
      },
    },
    {
      method: 'GET',
      path: '/api/kernelspecs/{name}',
      async handle({ response, params }) {
        sendJson(response, 200, await kernelspecModel(await specOf(kernels, params['name'] ?? '')));
      },
    },
    {
      method: 'GET',
      path: '/kernelspecs/{name}/{file*}',
      async handle({ response, params }) {
        const spec = await specOf(kernels, params['name'] ?? '');
        const root = await realpath(spec.directory);
        const file = await realpath(path.join(root, params['file'] ?? '')).catch(() => null);
        const found = file?.startsWith(`${root}/`) === true ? await stat(file) : null;
        if (file === null || found?.isFile() !== true) throw new HttpError(404, 'Kernelspec resource not found');
        response.writeHead(200, {
          'content-type': mimeTypeOf(file) ?? 'application/octet-stream',
          'content-length': found.size,
        });
        await pipeline(createReadStream(file), response);
      },
    },
    {
      method: 'GET',
      path: '/api/kernels',
      handle({ response }) {
        sendJson(response, 200, kernels.list().map(kernelModel));
      },
    },
    {
      method: 'POST',
      path: '/api/kernels',
      async handle({ request, response }) {
        const body = (await readJson(request)) ?? {};
        const name = typeof body['name'] === 'string' ? body['name'] : null;
        const folder = typeof body['path'] === 'string' ? body['path'] : '';
        const chosenId = typeof body['kernel_id'] === 'string' ? body['kernel_id'] : null;
        const kernel = await kernels.start({ name, folder, label: null, id: chosenId });
        sendJson(response, 201, kernelModel(kernel), { location: `/api/kernels/${kernel.id}` });
      },
    },
    {
      method: 'GET',
      path: '/api/kernels/{id}',
      handle({ response, params }) {
        sendJson(response, 200, kernelModel(kernels.get(id(params))));
      },
    },
    {
      method: 'DELETE',
      path: '/api/kernels/{id}',
      async handle({ response, params }) {
        await kernels.remove(id(params));
        sendNothing(response);
      },
    },
    {
      method: 'POST',
      path: '/api/kernels/{id}/interrupt',
      async handle({ response, params }) {
        await kernels.get(id(params)).interrupt();
        sendNothing(response);
      },
    },
    {
      method: 'POST',
      path: '/api/kernels/{id}/restart',
      async handle({ response, params }) {
        const kernel = kernels.get(id(params));
        await kernel.restart();
        sendJson(response, 200, kernelModel(kernel));
      },
    },
    {
      method: 'PUT',
      path: paths.variables,
      async handle({ request, response }) {
        await kernels.setVariables(variablesIn(await readJson(request)));
        sendNothing(response);
      },
    },
    {
      method: 'GET',
      path: '/agent/kernels/{id}/journal',
      async handle({ response, params, query }) {
        const kernel = kernels.get(id(params));
        response.writeHead(200, { 'content-type': 'application/x-ndjson' });
        const after = Number(query.get('after') ?? 0) || 0;
        const isWanted = query.get('only') === 'comms' ? isOfComms : () => true;
        await pipeline(journalLines(kernel, after, query.get('parent'), isWanted), response);
      },
    },
    {
      method: 'GET',
      path: '/agent/kernels/{id}/executions',
      handle({ response, params }) {
        const { executions, journal } = kernels.get(id(params));
        sendJson(response, 200, {
          executions: executions.list(),
          lastSeq: journal.lastSeq,
          droppedThrough: journal.droppedThrough,
        });
      },
    },
    {
      method: 'GET',
      path: '/api/sessions',
      handle({ response }) {
        sendJson(response, 200, sessions.list());
      },
    },
    {
      method: 'POST',
      path: '/api/sessions',
      async handle({ request, response }) {
        const session = await sessions.create(await readJson(request));
        sendJson(response, 201, session, { location: `/api/sessions/${String(session['id'])}` });
      },
    },
    {
      method: 'GET',
      path: '/api/sessions/{id}',
      handle({ response, params }) {
        sendJson(response, 200, sessions.get(id(params)));
      },
    },
    {
      method: 'PATCH',
      path: '/api/sessions/{id}',
      async handle({ request, response, params }) {
        sendJson(response, 200, await sessions.change(id(params), await readJson(request)));
      },
    },
    {
      method: 'DELETE',
      path: '/api/sessions/{id}',
      async handle({ response, params }) {
        await sessions.remove(id(params));
        sendNothing(response);
      },
    },
  ];
}

function variablesIn(body: Record<string, unknown> | null): Record<string, string> {
  const variables = body?.['environmentVariables'];
  const pairs = isRecord(variables) ? Object.entries(variables) : null;
  const texts = pairs?.filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  if (texts === undefined || texts.length !== pairs?.length) {
    throw new HttpError(400, 'environmentVariables is an object of names with texts.');
  }
  return Object.fromEntries(texts);
}

async function specOf(kernels: Kernels, name: string) {
  const spec = (await kernels.specs()).get(name.toLowerCase());
  if (spec === undefined) throw new HttpError(404, `Kernel spec ${name} not found`);
  return spec;
}

/** The journal after a cursor as it is now, one message a line; buffers as base64. */
function* journalLines(
  kernel: Kernel,
  after: number,
  parent: string | null,
  isWanted: (entry: JournalEntry) => boolean,
): Generator<string> {
  const { journal } = kernel;
  const end = journal.lastSeq;
  let cursor = after;
  for (;;) {
    const entry = journal.next(cursor);
    if (entry === null || entry.seq > end) return;
    if (entry.msgId === '' && parent !== null) {
      const execution = kernel.executions.get(parent);
      const isMissing = execution !== undefined && execution.firstSeq <= entry.seq;
      const notice = isMissing ? journal.droppedNotice(execution.header) : null;
      if (notice !== null) yield line(notice);
    } else if ((parent === null || entry.parentId === parent || entry.msgId === parent) && isWanted(entry)) {
      yield line(entry);
    }
    cursor = entry.seq;
  }
}

/** What a kernel said over comms, and that it began anew, without any. */
function isOfComms({ direction, msgType, message }: JournalEntry): boolean {
  if (direction !== 'out') return false;
  if (msgType === 'status') return jsonObject(message.content)?.['execution_state'] === 'starting';
  return msgType.startsWith('comm_');
}

function line(entry: JournalEntry): string {
  const { header, parentHeader, metadata, content, buffers } = entry.message;
  return (
    `{"seq":${String(entry.seq)},"at":${String(entry.at)},"direction":"${entry.direction}","channel":"${entry.channel}",` +
    `"session":${JSON.stringify(entry.audience)},"header":${header.toString()},"parent_header":${parentHeader.toString()},` +
    `"metadata":${metadata.toString()},"content":${content.toString()},` +
    `"buffers":${JSON.stringify(buffers.map((buffer) => buffer.toString('base64')))}}\n`
  );
}
