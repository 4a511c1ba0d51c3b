import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { endpoints, type Endpoint, type EndpointName } from '@terrarium/contract';
import { startInside, type InsideServer } from './outside/inside-server.ts';
import { raw, type Answer } from './outside/raw.ts';

const names = { namespace: 'my-project', name: 'getting-started' };
let inside: InsideServer;
let owner: string;
let stranger: string;

beforeAll(async () => {
  inside = await startInside();
  owner = inside.server.token;
  stranger = await inside.addAccount('stranger');
  const made = await send('createEnvironment', { body: '{}' });
  expect(made.status).toBe(202);
});

afterAll(async () => {
  await inside.remove();
});

const table: [EndpointName, Endpoint][] = Object.entries(endpoints) as [EndpointName, Endpoint][];
const isEventStream = (endpoint: Endpoint) => endpoint.response === 'events';

/** What exists, for every placeholder. */
const existing = (): Record<string, string> => ({
  ...names,
  environment: 'main',
  id: 'none',
  key: 'notebooks/r-air-quality.ipynb',
  path: 'r-air-quality.ipynb',
  email: 'owner@localhost',
});

function addressOf(endpoint: Endpoint, params: Record<string, string> = {}): string {
  const values: Record<string, string> = {
    ...existing(),
    ...(endpoint.path.startsWith('/api/billing-projects/') ? { name: 'my-project' } : {}),
  };
  return endpoint.path.replaceAll(
    /\{(\w+)\}/g,
    (_, key: string) => params[key] ?? encodeURIComponent(values[key] ?? ''),
  );
}

function send(
  name: EndpointName,
  options: {
    params?: Record<string, string>;
    query?: string;
    body?: string;
    token?: string | null;
    headers?: Record<string, string>;
  } = {},
): Promise<Answer> {
  const endpoint: Endpoint = endpoints[name];
  const token = options.token === undefined ? owner : options.token;
  return raw(inside.port, {
    method: endpoint.method,
    path: addressOf(endpoint, options.params) + (options.query ?? ''),
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(options.body === undefined || endpoint.body === 'bytes' ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(options.body === undefined ? {} : { body: options.body }),
  });
}

const refusal = z.object({
  code: z.string(),
  message: z.string(),
  fields: z.record(z.string(), z.string()).optional(),
});

/** A 4xx with a sentence for a person in it, and nothing of the program's inside. */
function expectRefused(answer: Answer, what: string): z.infer<typeof refusal> {
  expect(`${what}: ${String(answer.status)} ${answer.text}`).toMatch(/: 4\d\d \{/);
  const body = refusal.parse(JSON.parse(answer.text));
  for (const sentence of [body.message, ...Object.values(body.fields ?? {})]) {
    expect(sentence, what).toMatch(/^\S[^\n]{3,700}[.!?]"?$/);
    expect(sentence, what).not.toMatch(/ZodError|node_modules|\bat .*:\d+:\d+|undefined is|\[object/);
    // eslint-disable-next-line no-control-regex
    expect(sentence, what).not.toMatch(/[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069\u200b]/);
  }
  return body;
}

/** All that a person could have changed. */
async function everything(): Promise<unknown> {
  const { context } = inside.server;
  const account = (await context.accounts.principalOfToken(owner))?.account.id ?? '';
  const keys: string[] = [];
  for (const workspace of await context.workspaces.list(account)) {
    for await (const info of context.buckets.all(workspace, ''))
      keys.push(`${workspace.name} ${info.key} ${info.generation}`);
  }
  return {
    projects: await context.billing.list(account),
    workspaces: await context.workspaces.list(account),
    people: await context.sharing.list(account, names.namespace, names.name),
    environments: (await context.environments.list(account)).map(({ id, name, cpus, disk }) => ({
      id,
      name,
      cpus,
      disk: disk?.id,
    })),
    tokens: (await context.accounts.listTokens(account)).map(({ id, label }) => ({ id, label })),
    keys,
  };
}

async function unchanged(work: () => Promise<void>): Promise<void> {
  const before = await everything();
  await work();
  expect(await everything()).toEqual(before);
}

describe('who asks', () => {
  test.each(table.filter(([, endpoint]) => endpoint.isPublic !== true))('%s asks for a sign-in', async (name) => {
    await unchanged(async () => {
      for (const token of [null, 'trm_wrong', `${owner}x`]) {
        const answer = await send(name, { token, body: '{}' });
        expect(answer.status).toBe(401);
        expect(expectRefused(answer, name).code).toBe('NotSignedIn');
      }
    });
  });

  test.each(table.filter(([, endpoint]) => endpoint.path.includes('{')))(
    '%s shows a stranger nothing',
    async (name, endpoint) => {
      await unchanged(async () => {
        const body =
          endpoint.body === undefined || endpoint.body === 'bytes' ? undefined : JSON.stringify(valid[name] ?? {});
        const answer = await send(name, { token: stranger, ...(body === undefined ? {} : { body }) });
        expect(answer.status).toBe(404);
        expectRefused(answer, name);
      });
    },
  );

  test.each(
    table.filter(
      ([, endpoint]) =>
        endpoint.method === 'GET' &&
        !endpoint.path.includes('{') &&
        !isEventStream(endpoint) &&
        endpoint.isPublic !== true,
    ),
  )('%s lists a stranger nothing of others', async (name) => {
    const answer = await send(name, { token: stranger });
    expect(answer.status).toBe(200);
    expect(answer.text).not.toContain('getting-started');
    expect(answer.text).not.toContain('my-project');
  });

  test.each(table.filter(([, endpoint]) => endpoint.method !== 'GET' && endpoint.isPublic !== true))(
    '%s with a cookie comes from our own page',
    async (name) => {
      const { context } = inside.server;
      const account = (await context.accounts.principalOfToken(owner))?.account.id ?? '';
      const { session } = await context.accounts.redeemTicket(await context.accounts.createSignInTicket(account), null);
      const cookie = `terrarium=${session.secret}`;
      await unchanged(async () => {
        for (const origin of [undefined, 'null', 'http://evil.example', `http://x.localhost:${String(inside.port)}`]) {
          const answer = await send(name, {
            token: null,
            headers: { cookie, ...(origin === undefined ? {} : { origin }) },
          });
          expect(answer.status).toBe(403);
          expect(expectRefused(answer, name).code).toBe('OriginRefused');
        }
      });
    },
  );
});

/** A body that each endpoint would take. */
const shape = {
  name: 'second',
  image: 'machine',
  cpus: 1,
  memoryGiB: 1,
  gpus: 0,
  diskGiB: 1,
  diskName: 'data',
  bootDiskGiB: 1,
  startupScript: 'echo hello',
  startupScriptRuns: 'once',
  environmentVariables: { A: 'b' },
  labels: { study: 'one' },
  autopauseMinutes: 30,
  sleepMinutes: 10,
};
const valid: Partial<Record<EndpointName, Record<string, unknown> | [Record<string, unknown>]>> = {
  createSession: { email: 'a@b.example', password: 'wrong' },
  updateAccount: { name: 'Ada' },
  setPassword: { password: 'long enough indeed' },
  createToken: { label: 'x' },
  createBillingProject: { name: 'fresh', description: 'x' },
  createWorkspace: { namespace: 'my-project', name: 'fresh', description: 'x', withExamples: false },
  updateWorkspace: { description: 'x' },
  openDoor: { path: 'lab' },
  updateWorkspaceAcl: [{ email: 'new@example.org', role: 'READER', canShare: false, canCompute: false }],
  createEnvironment: shape,
  updateEnvironment: shape,
  keepEnvironmentRunning: { until: '2100-01-01T00:00:00.000Z' },
  updateDisk: { name: 'other', sizeGiB: 2 },
  snapshotDisk: { name: 'other' },
  cloneDisk: { name: 'other', sizeGiB: 2 },
  createNotebook: { path: 'new.ipynb', kernel: 'python3' },
  copyNotebook: { to: 'copy.ipynb' },
  renameNotebook: { to: 'other.ipynb' },
  keepPlayground: { to: 'kept.ipynb' },
  createVersion: { name: 'before the change' },
  updateVersion: { name: 'after the change' },
  restoreVersion: { cells: ['a1'] },
  startRun: { cells: ['a1'] },
  answerInput: { cell: 'a1', value: 'x' },
};
const hostile = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    [],
    {},
    0,
    -1,
    1.5,
    1e308,
    -1e308,
    'NaN',
    'Infinity',
    '1e999',
    '',
    ' ',
    '..',
    '../../x',
    '/etc/passwd',
    'C:\\x',
    'a\0b',
    'a\nb',
    '\u202Egpj',
    '\u200b',
    'x'.repeat(30_000),
    '\ud800',
    'ｅｖｉｌ',
    '__proto__',
    [['x']],
    { toString: 1 },
  ),
  fc.jsonValue(),
  fc.string({ unit: 'binary', maxLength: 80 }),
);
const bodied = table.filter(([, endpoint]) => endpoint.body !== undefined && endpoint.body !== 'bytes');

describe('bodies', () => {
  test.each(bodied)('%s refuses what its schema does not allow', async (name, endpoint) => {
    const schema = endpoint.body as z.ZodType;
    const usual = valid[name] ?? {};
    const start = Array.isArray(usual) ? usual[0] : usual;
    // Of a list, the one thing in it is broken, and at times the list itself.
    const inPlace = (value: unknown): unknown => (Array.isArray(usual) ? [value] : value);
    await unchanged(async () => {
      const broken = fc
        .oneof(
          hostile,
          hostile.map(inPlace),
          fc
            .tuple(fc.constantFrom(...Object.keys(start)), hostile)
            .map(([key, value]) => inPlace({ ...start, [key]: value })),
          fc
            .tuple(fc.constantFrom('extra', 'constructor', 'id', 'ownerId'), hostile)
            .map(([key, value]) => inPlace({ ...start, [key]: value })),
          fc
            .constantFrom(...Object.keys(start))
            .map((key) => inPlace(Object.fromEntries(Object.entries(start).filter(([other]) => other !== key)))),
        )
        .filter((body) => !schema.safeParse(body).success);
      await fc.assert(
        fc.asyncProperty(broken, async (body) => {
          const answer = await send(name, { body: JSON.stringify(body) });
          if (answer.status === 429) return;
          const { code, fields } = expectRefused(answer, `${name} ${JSON.stringify(body).slice(0, 300)}`);
          expect(code).toBe('InvalidInput');
          // Names that could reach an object's prototype are refused before anything is looked at.
          if (!/"(__proto__|prototype)"/.test(JSON.stringify(body))) {
            expect(Object.keys(fields ?? {}).length).toBeGreaterThan(0);
          }
        }),
        { numRuns: 40 },
      );
    });
  });

  test.each(bodied)('%s refuses what is no JSON object', async (name) => {
    await unchanged(async () => {
      for (const body of ['', 'null', '{', '[1,2', '"x"', '\ufffe', '{"a":1}}', '{"__proto__":{"x":1}}']) {
        if (body === '' && name === 'createEnvironment') continue; // asks for an environment of the usual kind
        if (body === '' && name === 'openDoor') continue; // to the door itself
        if (body === '' && (name === 'createVersion' || name === 'startRun')) continue; // one without a name; of all
        const answer = await send(name, { body });
        if (answer.status !== 429) expectRefused(answer, `${name} ${body}`);
      }
      for (const type of ['text/plain', 'application/xml', 'multipart/form-data', 'x']) {
        const answer = await send(name, { body: '{"name":"abc"}', headers: { 'content-type': type } });
        if (answer.status !== 429) expectRefused(answer, `${name} ${type}`);
      }
    });
  });
});

const badNumbers = [0, -1, 1.5, 1e308, '1', 'NaN', null, true, [], {}];
test.each(['cpus', 'memoryGiB', 'diskGiB', 'bootDiskGiB', 'autopauseMinutes'])(
  'an environment refuses every absurd %s',
  async (field) => {
    const allowed: Record<string, unknown[]> = { cpus: [1.5], memoryGiB: [1.5], autopauseMinutes: [0] };
    await unchanged(async () => {
      for (const value of badNumbers.filter((bad) => !(allowed[field] ?? []).includes(bad))) {
        const answer = await send('createEnvironment', { body: JSON.stringify({ name: 'never', [field]: value }) });
        expect(expectRefused(answer, `${field} ${JSON.stringify(value)}`).fields).toHaveProperty(field);
      }
    });
  },
);

/** Segments as they go over the wire; none names anything. */
const hostileSegments = [
  '%2e%2e',
  '..%2f..%2fetc%2fpasswd',
  '%2fetc%2fpasswd',
  '%00',
  'a%00b',
  'a%0ab',
  '%e2%80%aegpj.ipynb',
  '%e2%80%8b',
  '%c0%ae%c0%ae',
  '%ff',
  '%',
  '%zz',
  '%252e%252e%252f',
  '..%5c..',
  'a%5cb',
  '%ef%bd%85vil',
  'x'.repeat(5000),
  encodeURIComponent('é'.repeat(500)),
  '%20',
  '.',
  '..',
  ';',
  '%3Cscript%3E',
  '%24%7Bx%7D',
  "'%20or%201=1--",
  'constructor',
  '__proto__',
  '%F0%9F%92%A9',
  '%ed%a0%80',
];

describe('names in addresses', () => {
  const withPlaces = table.flatMap(([name, endpoint]) =>
    [...endpoint.path.matchAll(/\{(\w+)\}/g)].map((match) => [name, match[1] ?? '', endpoint] as const),
  );
  test.each(withPlaces)('%s refuses every hostile {%s}', async (name, place, endpoint) => {
    const body =
      endpoint.body === 'bytes' ? 'x' : endpoint.body === undefined ? undefined : JSON.stringify(valid[name]);
    // A name that only looks odd is a name all the same where an object is made.
    const mayName = /^(?:constructor|__proto__|;|'.*|%F0.*|%24.*|%3C.*|%ef%bd.*|%252e.*)$/;
    const segments = hostileSegments.filter(
      (segment) => name !== 'putObject' || place !== 'key' || !mayName.test(segment),
    );
    await unchanged(async () => {
      for (const segment of segments) {
        const answer = await send(name, { params: { [place]: segment }, ...(body === undefined ? {} : { body }) });
        // "." and ".." leave the route; what is there instead is another page or nothing.
        expectRefused(answer, `${name} ${place}=${segment.slice(0, 60)}`);
      }
    });
  });
});

test.each([
  ['listObjects', '?delimiter=x'],
  ['listObjects', '?limit=0'],
  ['listObjects', '?limit=-1'],
  ['listObjects', '?limit=1.5'],
  ['listObjects', '?limit=NaN'],
  ['listObjects', '?limit=1e308'],
  ['listObjects', '?limit='],
  ['listObjects', '?limit=1001'],
  ['listObjects', `?prefix=${'x'.repeat(2000)}`],
  ['listObjects', '?pageToken=garbage'],
  ['listObjects', '?pageToken=%00'],
  ['listObjects', '?prefix=a&prefix=b'],
  ['listObjects', '?delimeter=/'],
  ['deleteEnvironment', '?deleteDisk=maybe'],
  ['deleteEnvironment', '?deleteDisk='],
  ['deleteEnvironment', '?deleteDisk=TRUE'],
  ['deleteEnvironment', '?deleteDisk=true&deleteDisk=false'],
  ['deleteEnvironment', '?deletedisk=true'],
  ['getSpend', '?from=yesterday'],
  ['getSpend', '?to=1e308'],
  ['getSpend', '?by=person'],
  ['getSpend', '?from=2026-02-31T00:00:00Z'],
] as const)('%s refuses the query %s', async (name, query) => {
  await unchanged(async () => {
    expect(expectRefused(await send(name, { query }), query).code).toBe('InvalidInput');
  });
});

test.each([
  ['GET', '/api/nothing'],
  ['POST', '/api/workspaces/my-project'],
  ['TRACE', '/api/workspaces'],
  ['GET', '/api/'],
  ['PUT', '/api/prices'],
  ['DELETE', '/'],
  ['GET', '/api/workspaces/../../etc/passwd'],
  ['GET', '/jupyter/'],
  ['GET', '/jupyter/my-project/none/api/contents'],
  ['GET', '/jupyter/my-project'],
  ['POST', '/assets/x'],
])('%s %s is nothing here', async (method, path) => {
  expectRefused(await raw(inside.port, { method, path, headers: { authorization: `Bearer ${owner}` } }), path);
});
