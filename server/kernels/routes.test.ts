import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AgentKernel } from '@terrarium/contract/agent';
import { createFixture, type Fixture } from '../gateway/gateway-fixture.ts';

let fixture: Fixture;
const asked: string[] = [];
const kernel: AgentKernel = {
  id: 'k1',
  name: 'python3',
  displayName: 'Python 3',
  language: 'python',
  state: 'idle',
  path: 'notebooks/a.ipynb',
  connections: 0,
  lastActivityAt: 0,
  execution: null,
  queued: 0,
  memoryBytes: 1,
  cpuCores: null,
  death: null,
};

beforeAll(async () => {
  fixture = await createFixture();
  fixture.standIn.far.request = (request, response) => {
    asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
    if (request.url === '/agent/kernels') response.end(JSON.stringify([kernel]));
    else response.writeHead(204).end();
  };
  await fixture.startEnvironment();
});
afterAll(() => fixture.close());

const path = '/api/workspaces/lab/a/kernels';
const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

test("kernels are their owner's alone, and steering them takes the right to compute", async () => {
  const own = await fixture.ask(path, as(fixture.token));
  expect(JSON.parse(own.text)).toMatchObject([
    { id: 'k1', notebook: 'a.ipynb', lastActivityAt: '1970-01-01T00:00:00.000Z' },
  ]);

  for (const role of ['READER', 'WRITER'] as const) {
    const { token } = await fixture.person(`${role.toLowerCase()}@example.org`, role);
    expect(JSON.parse((await fixture.ask(path, as(token))).text)).toEqual([]);
    asked.length = 0;
    for (const [method, action] of [
      ['POST', '/interrupt'],
      ['POST', '/restart'],
      ['DELETE', ''],
    ] as const) {
      const answer = await fixture.ask(`${path}/k1${action}`, { method, ...as(token) });
      expect(answer.status).toBe(403);
    }
    expect(asked).toEqual([]);
  }
  const { token: stranger } = await fixture.person('stranger@example.org');
  expect((await fixture.ask(path, as(stranger))).status).toBe(404);
  expect((await fixture.ask(`${path}/k1`, { method: 'DELETE' })).status).toBe(401);
});

test('each action reaches the agent once, and tells the pages of its owner to read again', async () => {
  asked.length = 0;
  const told: (string | null)[] = [];
  const stop = fixture.context.events.subscribe(({ event, accountId }) => {
    if (event.kind === 'environment') told.push(accountId);
  });
  expect((await fixture.ask(`${path}/k1/interrupt`, { method: 'POST', ...as(fixture.token) })).status).toBe(204);
  expect((await fixture.ask(`${path}/k1`, { method: 'DELETE', ...as(fixture.token) })).status).toBe(204);
  stop();
  expect(asked.filter((one) => !one.startsWith('GET'))).toEqual([
    'POST /api/kernels/k1/interrupt',
    'DELETE /api/kernels/k1',
  ]);
  expect(told).toEqual([fixture.owner.account.id, fixture.owner.account.id]);
});

test('an agent that fails, or answers nonsense, is told in words', async () => {
  for (const [status, text] of [
    [500, ''],
    [200, '[{"id": 1}]'],
    [200, 'no json'],
  ] as const) {
    fixture.standIn.far.request = (_request, response) => response.writeHead(status).end(text);
    const answer = await fixture.ask(path, as(fixture.token));
    expect(answer.status).toBe(503);
    expect(answer.text).toContain('Environment \\"main\\" does not answer.');
  }
});
