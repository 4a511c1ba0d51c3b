import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RoomClient } from '../documents/testing-client.ts';
import { createFixture, type Answer, type Fixture } from '../gateway/gateway-fixture.ts';

let at: Fixture;
let cookie: string;
beforeAll(async () => {
  at = await createFixture();
  cookie = await at.cookieFor(at.a.id);
  await put('a.ipynb', 'x = 1');
});
afterAll(() => at.close());

function notebookOf(source: string): object {
  const cell = { id: 'c', cell_type: 'code', metadata: {}, source, outputs: [], execution_count: null };
  return { nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [cell] };
}

function send(method: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return at.ask(path, {
    method,
    host: at.a.host,
    headers: { cookie, origin: at.a.origin, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

function put(path: string, source: string): Promise<unknown> {
  const { buckets } = at.context;
  return buckets.put(owner(), `notebooks/${path}`, Buffer.from(JSON.stringify(notebookOf(source))));
}

const owner = () => ({ id: at.a.id, bucket: at.bucketOfA });

async function stored(path: string): Promise<string | undefined> {
  const { notebookBuckets } = at.context;
  const found = await notebookBuckets.get(owner(), `notebooks/${path}`);
  if (found === null) return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of found.body) chunks.push(chunk as Buffer);
  const { cells } = JSON.parse(Buffer.concat(chunks).toString()) as { cells: { source: string | string[] }[] };
  return cells.map(({ source }) => (Array.isArray(source) ? source.join('') : source)).join('\n');
}

/** The path of a new playground, as JupyterLab knows it. */
async function play(): Promise<string> {
  const answer = await send('POST', '/terrarium/notebooks/playground', { path: 'notebooks/a.ipynb' });
  expect(answer.status).toBe(201);
  const { path } = JSON.parse(answer.text) as { path: string };
  expect(path).toMatch(/^notebooks\/\.playground\/[a-z0-9]+\/a\.ipynb$/);
  return path;
}

async function join(path: string, headers: Record<string, string>, session?: object): Promise<RoomClient> {
  const { fileId, sessionId } = (session ?? (await sessionOf(path))) as { fileId: string; sessionId: string };
  const url = `ws://127.0.0.1:${String(at.port)}/jupyter/lab/a/api/collaboration/room/json:notebook:${fileId}?sessionId=${sessionId}&terrarium=1`;
  return new RoomClient(url, { host: `localhost:${String(at.port)}`, ...headers });
}

async function sessionOf(path: string): Promise<object> {
  const answer = await send('PUT', `/api/collaboration/session/${path}`, { format: 'json', type: 'notebook' });
  expect(answer.status).toBe(200);
  return JSON.parse(answer.text) as object;
}

test('what is typed in a playground is kept under a new name when that is asked, and nowhere else', async () => {
  const path = await play();
  const client = await join(path, { authorization: `Bearer ${at.token}` });
  await client.synced();
  client.source(0).insert(5, '00');
  await client.saved();
  await client.close();
  const kept = await send('POST', '/terrarium/notebooks/keep', { path, to: 'notebooks/deep/kept.ipynb' });
  expect([kept.status, JSON.parse(kept.text)]).toEqual([201, { path: 'notebooks/deep/kept.ipynb' }]);
  expect(await stored('deep/kept.ipynb')).toBe('x = 100');
  expect(await stored('a.ipynb')).toBe('x = 1');
  // Without the folder the name is meant just so.
  expect((await send('POST', '/terrarium/notebooks/keep', { path, to: 'plain.ipynb' })).status).toBe(201);
  expect(await stored('plain.ipynb')).toBe('x = 100');
});

test('a name that is taken or cannot be is refused, and the notebook there stays as it is', async () => {
  const path = await play();
  const keep = async (to: unknown) => (await send('POST', '/terrarium/notebooks/keep', { path, to })).status;
  expect(await keep('notebooks/a.ipynb')).toBe(409);
  for (const to of ['notebooks/.playground/x/a.ipynb', '../a.ipynb', 'notebooks/', 'a.txt', '', 7, null, undefined]) {
    expect([to, await keep(to)]).toEqual([to, 400]);
  }
  expect((await send('POST', '/terrarium/notebooks/keep', null)).status).toBe(400);
  expect((await send('POST', '/terrarium/notebooks/keep', { path: 'notebooks/a.ipynb', to: 'b.ipynb' })).status).toBe(
    404,
  );
  expect(await stored('a.ipynb')).toBe('x = 1');
  expect(await stored('b.ipynb')).toBeUndefined();
});

test('nobody else gets into it: not by its path, not by its room', async () => {
  const path = await play();
  const session = await sessionOf(path);
  for (const role of ['READER', 'WRITER'] as const) {
    const { token } = await at.person(`${role}@example.org`, role);
    const theirs = { authorization: `Bearer ${token}` };
    const asked = await at.ask(`/jupyter/lab/a/api/collaboration/session/${path}`, {
      method: 'PUT',
      headers: { ...theirs, 'content-type': 'application/json' },
      body: JSON.stringify({ format: 'json', type: 'notebook' }),
    });
    expect(asked.status).toBe(404);
    const client = await join(path, theirs, session);
    if (client.socket.readyState !== client.socket.CLOSED) await once(client.socket, 'close');
    expect(client.isSynced).toBe(false);
    expect(client.doc.share.size).toBe(0);
    const made = await at.ask('/jupyter/lab/a/terrarium/notebooks/playground', {
      method: 'POST',
      headers: { ...theirs, 'content-type': 'application/json' },
      body: JSON.stringify({ path: 'notebooks/a.ipynb' }),
    });
    // Neither may compute here.
    expect(made.status).toBe(403);
  }
});
