import { HttpError } from '../http-error.ts';
import { readJson, sendJson, sendNothing, type Call, type Route } from '../router.ts';
import { createCheckpoint, deleteCheckpoint, listCheckpoints, restoreCheckpoint } from './checkpoints.ts';
import type { Contents } from './contents.ts';
import { sendFile } from './download.ts';
import type { ContentsModel, ReadOptions } from './model.ts';

const checkpointPath = /^(.*?)\/?checkpoints(?:\/([\w-]+))?\/?$/;

/** `checkpoints` at the end of a path is a verb, as in jupyter_server. */
export function fileRoutes(contents: Contents): Route[] {
  const path = '/api/contents/{path*}';
  const pathOf = ({ params }: Call): string => params['path'] ?? '';
  const accessOf = ({ query }: Call): { withHidden: boolean } => ({ withHidden: query.get('hidden') === '1' });
  const checkpointsOf = (call: Call): { file: string; id: string | null } | null => {
    const match = checkpointPath.exec(pathOf(call));
    return match === null ? null : { file: match[1] ?? '', id: match[2] ?? null };
  };

  return [
    {
      method: 'GET',
      path,
      async handle(call) {
        const asked = checkpointsOf(call);
        if (asked !== null) {
          sendJson(call.response, 200, await listCheckpoints(await contents.fileAt(asked.file, accessOf(call))));
          return;
        }
        const model = await contents.read(pathOf(call), readOptions(call, accessOf(call)));
        sendJson(call.response, 200, model, { 'last-modified': new Date(model.last_modified).toUTCString() });
      },
    },
    {
      method: 'PUT',
      path,
      async handle(call) {
        const body = await readJson(call.request);
        if (body === null || Object.keys(body).length === 0) {
          sendModel(call, 201, await contents.createUntitled(pathOf(call), { type: '', ext: '' }, accessOf(call)));
          return;
        }
        const access = { ...accessOf(call), withHash: call.query.get('hash') === '1' };
        const { model, isNew } = await contents.save(pathOf(call), body, access);
        sendModel(call, isNew ? 201 : 200, model);
      },
    },
    {
      method: 'POST',
      path,
      async handle(call) {
        const access = accessOf(call);
        const asked = checkpointsOf(call);
        if (asked !== null) {
          const at = await contents.fileAt(asked.file, access);
          if (asked.id === null) {
            const checkpoint = await createCheckpoint(at);
            const location = `/api/contents/${encodePath(at.api)}/checkpoints/${checkpoint.id}`;
            sendJson(call.response, 201, checkpoint, { location });
          } else {
            await restoreCheckpoint(at, asked.id);
            sendNothing(call.response);
          }
          return;
        }
        if (/(^|\/)trust$/.test(pathOf(call))) {
          await contents.fileAt(pathOf(call).replace(/\/?trust$/, ''), access);
          call.response.writeHead(201).end();
          return;
        }
        const body = (await readJson(call.request)) ?? {};
        const from = body['copy_from'];
        const model =
          typeof from === 'string' && from !== ''
            ? await contents.copy(from, pathOf(call), access)
            : await contents.createUntitled(pathOf(call), { type: body['type'], ext: body['ext'] }, access);
        sendModel(call, 201, model);
      },
    },
    {
      method: 'PATCH',
      path,
      async handle(call) {
        const body = await readJson(call.request);
        if (body === null) throw new HttpError(400, 'JSON body missing');
        sendModel(call, 200, await contents.rename(pathOf(call), body['path'], accessOf(call)));
      },
    },
    {
      method: 'DELETE',
      path,
      async handle(call) {
        const asked = checkpointsOf(call);
        if (asked !== null && asked.id !== null) {
          await deleteCheckpoint(await contents.fileAt(asked.file, accessOf(call)), asked.id);
        } else await contents.remove(pathOf(call), accessOf(call));
        sendNothing(call.response);
      },
    },
    {
      method: 'GET',
      path: '/files/{path*}',
      async handle(call) {
        await sendFile(await contents.fileAt(pathOf(call), accessOf(call)), call);
      },
    },
  ];
}

function readOptions({ query }: Call, access: { withHidden: boolean }): ReadOptions {
  const type = query.get('type');
  const format = query.get('format');
  if (format !== null && format !== 'text' && format !== 'base64') {
    throw new HttpError(400, `Format '${format}' is invalid`);
  }
  const flag = (name: string, byDefault: string): boolean => {
    const value = query.get(name) ?? byDefault;
    if (value !== '0' && value !== '1')
      throw new HttpError(400, `${name} '${value}' is invalid. It must be '0' or '1'.`);
    return value === '1';
  };
  return {
    type: type === null ? null : type === 'directory' || type === 'notebook' ? type : 'file',
    format,
    withContent: flag('content', '1'),
    withHash: flag('hash', '0'),
    ...access,
  };
}

function sendModel({ response }: Call, status: number, model: ContentsModel): void {
  sendJson(response, status, model, {
    location: `/api/contents/${encodePath(model.path)}`,
    'last-modified': new Date(model.last_modified).toUTCString(),
  });
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
