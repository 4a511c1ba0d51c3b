import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { agentMirrorPaths, AgentNotebooks } from '@terrarium/contract/agent';
import { HttpError } from '../http-error.ts';
import { sendJson, sendNothing, type Call, type Route } from '../router.ts';
import type { Notebooks } from './notebooks.ts';
import { notebookAt, removeNotebook, writeNotebook } from './write.ts';

// The contract's module would bring zod with it; its types hold these to the same values.
const paths: typeof agentMirrorPaths = { list: '/agent/mirror/list', file: '/agent/mirror/file' };
const longestWaitMs = 60_000;

/** The control plane's own way to the notebooks on the disk. What it does is no activity of the person. */
export function mirrorRoutes(home: string, notebooks: Notebooks): Route[] {
  const file = `${paths.file}/{path*}`;
  const pathOf = ({ params }: Call): string => params['path'] ?? '';
  return [
    {
      method: 'GET',
      path: paths.list,
      async handle({ query, response }) {
        const abort = new AbortController();
        response.once('close', () => {
          abort.abort();
        });
        const waitMs = Math.min(longestWaitMs, Number(query.get('waitMs')) || 0);
        const answer: AgentNotebooks = await notebooks.list({
          after: query.get('after'),
          waitMs,
          signal: abort.signal,
        });
        if (!response.destroyed) sendJson(response, 200, answer);
      },
    },
    {
      method: 'GET',
      path: file,
      async handle(call) {
        const at = await notebookAt(home, pathOf(call));
        if (!at.exists || !(await stat(at.target)).isFile()) {
          throw new HttpError(404, 'There is no such notebook on the disk.');
        }
        const { response } = call;
        response.writeHead(200, { 'content-type': 'application/octet-stream' });
        await pipeline(createReadStream(at.target), response);
      },
    },
    {
      method: 'PUT',
      path: file,
      async handle(call) {
        try {
          const hash = await writeNotebook(home, pathOf(call), call.request, expectedIn(call));
          sendJson(call.response, 200, { hash });
        } finally {
          // The rest of a body that nobody wants: the answer comes after it.
          call.request.resume();
        }
      },
    },
    {
      method: 'DELETE',
      path: file,
      async handle(call) {
        const expected = expectedIn(call);
        if (expected === null) throw new HttpError(400, 'A deletion names what it deletes in If-Match.');
        await removeNotebook(home, pathOf(call), expected);
        sendNothing(call.response);
      },
    },
  ];
}

function expectedIn({ request }: Call): string | null {
  const { 'if-match': match, 'if-none-match': noneMatch } = request.headers;
  if (match === undefined && noneMatch === '*') return null;
  const hash = /^"([0-9a-f]{64})"$/.exec(match ?? '')?.[1];
  if (hash === undefined) throw new HttpError(400, 'A change says what it replaces: If-Match or If-None-Match: *.');
  return hash;
}
