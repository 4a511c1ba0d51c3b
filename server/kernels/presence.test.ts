import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient } from '@terrarium/contract';
import { RoomClient } from '../documents/testing-client.ts';
import { createFixture, until, type Fixture } from '../gateway/gateway-fixture.ts';

let at: Fixture;
beforeAll(async () => {
  at = await createFixture();
});
afterAll(() => at.close());

const workspace = { namespace: 'lab', name: 'a' };

test('the list of notebooks says who has one open and whether it runs, and pages are told when that turns', async () => {
  const api = createClient({ baseUrl: at.url, token: at.token });
  await api.createNotebook({ params: workspace, body: { path: 'a.ipynb' } });
  const summary = async () => (await api.listNotebooks({ params: workspace }))[0];
  expect(await summary()).toMatchObject({ people: [], isRunning: false });

  let told = 0;
  const stop = at.context.events.subscribe(({ event, accountId }) => {
    if (event.kind === 'notebook' && event.id === 'notebooks/a.ipynb' && accountId === null) told += 1;
  });
  const { token } = await at.person('reader@example.org', 'READER');
  const clients: RoomClient[] = [];
  for (const secret of [at.token, at.token, token]) {
    const session = await fetch(`${at.url}/jupyter/lab/a/api/collaboration/session/notebooks/a.ipynb`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ format: 'json', type: 'notebook' }),
    });
    const { fileId, sessionId } = (await session.json()) as { fileId: string; sessionId: string };
    const room = `${at.url.replace('http', 'ws')}/jupyter/lab/a/api/collaboration/room/json:notebook:${fileId}?sessionId=${sessionId}`;
    const client = new RoomClient(room, { authorization: `Bearer ${secret}` });
    await client.synced();
    clients.push(client);
  }
  expect(told).toBe(3);
  const owner = { id: at.owner.account.id, name: 'Ada Owner' };
  // Each person once, however many tabs.
  expect((await summary())?.people).toEqual([owner, expect.objectContaining({ name: 'reader@example.org' })]);

  const document = at.context.documents.opened({ id: at.a.id, bucket: at.bucketOfA }, 'notebooks/a.ipynb');
  const execution = document?.doc.getMap('execution');
  document?.change(() => execution?.set('cell', { state: 'queued' }), { author: null });
  expect(told).toBe(4);
  document?.change(() => execution?.set('cell', { state: 'running' }), { author: null });
  expect(told).toBe(4);
  expect(await summary()).toMatchObject({ isRunning: true });
  document?.change(() => execution?.delete('cell'), { author: null });
  expect(told).toBe(5);
  expect(await summary()).toMatchObject({ isRunning: false });

  for (const client of clients) await client.close();
  await until('nobody is in it', async () => (await summary())?.people.length === 0);
  expect(told).toBe(8);
  stop();
});
