import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  AppError,
  createClient,
  endpoints,
  endpointUrl,
  type AclEntry,
  type Client,
  type WorkspaceRole,
} from '@terrarium/contract';
import { acceptInvitation, invite, secretOf } from '../testing/people.ts';
import { startInside, type InsideServer } from './outside/inside-server.ts';
import { raw } from './outside/raw.ts';

let inside: InsideServer;
let owner: Client;
let url: string;
let here: { namespace: string; name: string };
let made = 0;

beforeAll(async () => {
  inside = await startInside();
  url = inside.server.url;
  owner = createClient({ baseUrl: url, token: inside.server.token });
});
afterAll(async () => {
  await inside.remove();
});
beforeEach(async () => {
  here = await newWorkspace(owner);
});

async function newWorkspace(client: Client): Promise<{ namespace: string; name: string }> {
  made += 1;
  const [project] = await client.listBillingProjects();
  const namespace = project?.name ?? `project-${String(made)}`;
  if (project === undefined) await client.createBillingProject({ body: { name: namespace } });
  const { name } = await client.createWorkspace({ body: { namespace, name: `shared-${String(made)}` } });
  return { namespace, name };
}

const ownerEmail = 'owner@localhost';
const fresh = (): string => `person-${String((made += 1))}@example.org`;
const join = (rights: { role: WorkspaceRole; canShare?: boolean; canCompute?: boolean }, workspace = here) =>
  invite(inside.server, workspace, { ...rights, email: fresh() });
const change = (client: Client, email: string, role: WorkspaceRole | 'NO ACCESS', flags = {}, workspace = here) =>
  client.updateWorkspaceAcl({ params: workspace, body: [{ email, role, ...flags }] });
const acl = (client = owner, workspace = here): Promise<AclEntry[]> => client.getWorkspaceAcl({ params: workspace });
const rightsOf = async (email: string, workspace = here) =>
  (await acl(owner, workspace)).find((one) => one.email === email);
const linkFor = async (client: Client, email: string, role: WorkspaceRole = 'READER', workspace = here) =>
  (await change(client, email, role, {}, workspace)).find((one) => one.email === email)?.invitation?.url ?? '';

/** The code of the refusal; fails when there is none. */
async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
  throw new Error('It was allowed.');
}

const signInBy = (link: string) =>
  fetch(`${url}/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ticket: secretOf(link) }),
  });

/** Accounts there are, by address: to see that none is made or left by mistake. */
async function hasAccount(email: string): Promise<boolean> {
  const tables = inside.server.context.database.tables<{ accounts: { email: string } }>();
  return (await tables.selectFrom('accounts').selectAll().where('email', '=', email).execute()).length > 0;
}

describe('sharing', () => {
  test('lets a new person in by a link, who then sees the workspace and nothing else', async () => {
    const other = await newWorkspace(owner);
    const email = fresh();
    const answer = await change(owner, email, 'WRITER');
    const entry = answer.find((one) => one.email === email);
    expect(entry).toMatchObject({
      role: 'WRITER',
      canShare: false,
      canCompute: true,
      isPending: true,
      isCreator: false,
    });
    expect(entry?.invitation?.url).toMatch(new RegExp(`^${url}/invitation#[\\w-]{43}$`));
    const days = (Date.parse(entry?.invitation?.expiresAt ?? '') - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(6.9);
    expect(days).toBeLessThan(7.1);

    const person = await acceptInvitation(url, entry?.invitation?.url ?? '', { email });
    expect(await person.client.listWorkspaces()).toMatchObject([{ ...here, role: 'WRITER', canCompute: true }]);
    expect(await refusal(person.client.getWorkspace({ params: other }))).toBe('NotFound');
    expect(await person.client.listBillingProjects()).toEqual([]);
    expect(await rightsOf(email)).toMatchObject({ isPending: false });
    expect(await person.client.getSession()).toMatchObject({ email, isOperator: false });
  });

  test('an account that is here already is let in at once, without a link', async () => {
    const person = await join({ role: 'READER' });
    const other = await newWorkspace(owner);
    const entry = (await change(owner, person.email, 'READER', {}, other)).find(({ email }) => email === person.email);
    expect(entry).toMatchObject({ isPending: false, invitation: null });
    expect(await person.client.getWorkspace({ params: other })).toMatchObject({ role: 'READER' });
  });

  test('the link is shown once, to the one who asked', async () => {
    const sharer = await join({ role: 'WRITER', canShare: true });
    const email = fresh();
    const link = await linkFor(owner, email);
    expect(link).not.toBe('');
    expect(JSON.stringify(await acl())).not.toContain(secretOf(link));
    expect(JSON.stringify(await change(sharer.client, fresh(), 'READER'))).not.toContain(secretOf(link));
    expect((await change(owner, email, 'WRITER')).find((one) => one.email === email)?.invitation).toBeNull();
  });

  test('a list is carried out as a whole or not at all', async () => {
    const [kept, unmade] = [await join({ role: 'READER' }), fresh()];
    const body = [
      { email: unmade, role: 'READER' as const },
      { email: kept.email, role: 'WRITER' as const },
      { email: ownerEmail, role: 'READER' as const },
    ];
    expect(await refusal(owner.updateWorkspaceAcl({ params: here, body }))).toBe('NotPossibleNow');
    expect(await rightsOf(kept.email)).toMatchObject({ role: 'READER' });
    expect(await hasAccount(unmade)).toBe(false);
  });

  test('one address is one person, however it is written', async () => {
    const person = await join({ role: 'READER' });
    await change(owner, `  ${person.email.toUpperCase()} `, 'WRITER');
    expect((await acl()).filter(({ email }) => email.toLowerCase() === person.email.toLowerCase())).toHaveLength(1);
    expect(await rightsOf(person.email)).toMatchObject({ role: 'WRITER' });
    const twice = [person.email, person.email.toUpperCase()].map((email) => ({ email, role: 'READER' as const }));
    expect(await refusal(owner.updateWorkspaceAcl({ params: here, body: twice }))).toBe('InvalidInput');
    await person.client.getSession();
    const signedIn = await fetch(`${url}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: person.email.toUpperCase(), password: person.password }),
    });
    expect(signedIn.status).toBe(200);
  });

  test('to remove somebody who is not there changes nothing, and makes no account', async () => {
    const email = fresh();
    const before = await acl();
    expect((await change(owner, email, 'NO ACCESS')).length).toBe(before.length);
    expect(await hasAccount(email)).toBe(false);
  });

  test('the billing project knows nothing of it', async () => {
    const before = await owner.getBillingProject({ params: { name: here.namespace } });
    const person = await join({ role: 'OWNER' });
    expect((await owner.getBillingProject({ params: { name: here.namespace } })).members).toEqual(before.members);
    expect(await refusal(person.client.getBillingProject({ params: { name: here.namespace } }))).toBe('NotFound');
    const body = { namespace: here.namespace, name: 'mine' };
    expect(await refusal(person.client.createWorkspace({ body }))).toBe('NotFound');
  });
});

describe('who may share', () => {
  test.each([
    ['OWNER', {}, true],
    ['WRITER', { canShare: true }, true],
    ['READER', { canShare: true }, true],
    ['WRITER', {}, false],
    ['READER', {}, false],
  ] as const)('%s %j: %s', async (role, flags, may) => {
    const person = await join({ role, ...flags });
    const email = fresh();
    if (may) {
      expect((await acl(person.client)).map((one) => one.email)).toContain(person.email);
      expect(await linkFor(person.client, email)).not.toBe('');
      await person.client.createInvitation({ params: { ...here, email } });
    } else {
      await change(owner, email, 'READER');
      expect(await refusal(acl(person.client))).toBe('NotAllowed');
      expect(await refusal(change(person.client, email, 'READER'))).toBe('NotAllowed');
      expect(await refusal(person.client.createInvitation({ params: { ...here, email } }))).toBe('NotAllowed');
    }
  });

  test('a stranger finds no workspace, and learns of nobody', async () => {
    const stranger = await join({ role: 'OWNER' }, await newWorkspace(owner));
    const email = fresh();
    await change(owner, email, 'READER');
    for (const work of [
      () => acl(stranger.client),
      () => change(stranger.client, stranger.email, 'OWNER'),
      () => stranger.client.createInvitation({ params: { ...here, email } }),
      () => stranger.client.createInvitation({ params: { ...here, email: ownerEmail } }),
      () => stranger.client.leaveWorkspace({ params: here }),
    ]) {
      expect(await refusal(work())).toBe('NotFound');
    }
  });

  test('nobody raises himself, or gives what he has not', async () => {
    const reader = await join({ role: 'READER', canShare: true });
    const writer = await join({ role: 'WRITER', canShare: true, canCompute: false });
    const before = await acl();
    for (const [client, email, role, flags] of [
      [reader.client, reader.email, 'WRITER', {}],
      [reader.client, reader.email, 'OWNER', {}],
      [reader.client, fresh(), 'WRITER', {}],
      [writer.client, writer.email, 'OWNER', {}],
      [writer.client, writer.email, 'WRITER', { canCompute: true }],
      [writer.client, fresh(), 'WRITER', { canCompute: true }],
      [writer.client, reader.email, 'OWNER', {}],
      [reader.client, writer.email, 'NO ACCESS', {}],
      [reader.client, writer.email, 'READER', {}],
      [writer.client, ownerEmail, 'READER', {}],
      [writer.client, ownerEmail, 'NO ACCESS', {}],
    ] as const) {
      expect(await refusal(change(client, email, role, flags)), `${email} ${role}`).toBe('NotAllowed');
    }
    expect(await acl()).toEqual(before);
    expect((await change(writer.client, fresh(), 'WRITER')).at(-1)).toMatchObject({ canCompute: false });
  });

  test('a right that is lost while a request is on its way is lost for it too', async () => {
    const sharer = await join({ role: 'WRITER', canShare: true });
    const strangers = Array.from({ length: 12 }, fresh);
    const outcomes = await Promise.allSettled([
      ...strangers.slice(0, 6).map((email) => change(sharer.client, email, 'WRITER')),
      change(owner, sharer.email, 'NO ACCESS'),
      ...strangers.slice(6).map((email) => change(sharer.client, email, 'WRITER')),
    ]);
    expect(outcomes[6]?.status).toBe('fulfilled');
    expect(await refusal(change(sharer.client, fresh(), 'READER'))).toBe('NotFound');
    // Each was let in while the sharer still could, or not at all.
    const inNow = new Set((await acl()).map(({ email }) => email));
    for (const [at, email] of strangers.entries()) {
      const isDone = outcomes[at < 6 ? at : at + 1]?.status === 'fulfilled';
      expect(inNow.has(email)).toBe(isDone);
      expect(await hasAccount(email)).toBe(isDone);
    }
  });

  test('two owners who remove each other at once leave one', async () => {
    // Neither of them pays, so nothing but the rule about the last owner holds them.
    const [one, other] = [await join({ role: 'OWNER' }), await join({ role: 'OWNER' })];
    const outcomes = await Promise.allSettled([
      change(one.client, other.email, 'NO ACCESS'),
      change(other.client, one.email, 'NO ACCESS'),
    ]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect((await acl()).filter(({ role }) => role === 'OWNER')).toHaveLength(2);
  });
});

describe('owners', () => {
  test('who pays stays, whoever asks', async () => {
    const second = await join({ role: 'OWNER' });
    for (const client of [owner, second.client]) {
      expect(await refusal(change(client, ownerEmail, 'WRITER'))).toBe('NotPossibleNow');
      expect(await refusal(change(client, ownerEmail, 'NO ACCESS'))).toBe('NotPossibleNow');
    }
    expect(await refusal(owner.leaveWorkspace({ params: here }))).toBe('NotPossibleNow');
    expect(await rightsOf(ownerEmail)).toMatchObject({
      role: 'OWNER',
      canShare: true,
      canCompute: true,
      isCreator: true,
    });
  });

  test('the last one stays; one who has not signed in does not count', async () => {
    const { context } = inside.server;
    const payer = await context.accounts.principalOfToken(inside.server.token);
    // As after the payer's right was taken by other means: one owner is left, who does not pay.
    const only = await join({ role: 'OWNER' });
    const { id } = await owner.getWorkspace({ params: here });
    const members = context.database.tables<{ workspace_members: { workspace_id: string; account_id: string } }>();
    await members
      .deleteFrom('workspace_members')
      .where('workspace_id', '=', id)
      .where('account_id', '=', payer?.account.id ?? '')
      .execute();
    const pending = fresh();
    await change(only.client, pending, 'OWNER');
    expect(await refusal(only.client.leaveWorkspace({ params: here }))).toBe('NotPossibleNow');
    expect(await refusal(change(only.client, only.email, 'WRITER'))).toBe('NotPossibleNow');
    expect(await refusal(change(only.client, only.email, 'NO ACCESS'))).toBe('NotPossibleNow');
    expect(await only.client.getWorkspace({ params: here })).toMatchObject({ role: 'OWNER' });
  });

  test('a second one can step down, leave, and be lowered', async () => {
    const [one, two] = [await join({ role: 'OWNER' }), await join({ role: 'OWNER' })];
    expect(await change(one.client, one.email, 'WRITER', { canShare: false })).toEqual([]);
    expect(await refusal(acl(one.client))).toBe('NotAllowed');
    await two.client.leaveWorkspace({ params: here });
    expect(await refusal(two.client.getWorkspace({ params: here }))).toBe('NotFound');
    expect(await rightsOf(two.email)).toBeUndefined();
  });
});

describe('invitations', () => {
  test('work once', async () => {
    const link = await linkFor(owner, fresh());
    const answers = await Promise.all(Array.from({ length: 5 }, () => signInBy(link)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401]);
  });

  test('a new link ends the old one of the same person, and the first sign-in ends all', async () => {
    const sharer = await join({ role: 'WRITER', canShare: true });
    const email = fresh();
    const first = await linkFor(owner, email);
    const second = (await owner.createInvitation({ params: { ...here, email } })).url;
    const third = (
      await sharer.client.createInvitation({ params: { ...here, email: ` ${email}`.trim().toUpperCase() } })
    ).url;
    expect((await signInBy(first)).status).toBe(401);
    await acceptInvitation(url, second, { email });
    expect((await signInBy(third)).status).toBe(401);
  });

  test('there is none for somebody who has signed in, has a password, or is not here', async () => {
    const [person, elsewhere] = [await join({ role: 'READER' }), await newWorkspace(owner)];
    const outsider = await join({ role: 'READER' }, elsewhere);
    const ask = (email: string) => refusal(owner.createInvitation({ params: { ...here, email } }));
    expect(await ask(person.email)).toBe('NotPossibleNow');
    expect(await ask(ownerEmail)).toBe('NotPossibleNow');
    // The same for a person of another workspace as for one who does not exist: neither is told apart.
    for (const email of [outsider.email, fresh(), '', 'x'.repeat(5000), '%', 'a@b\u0000'])
      expect(await ask(email)).toBe('NotFound');
  });

  test('end when the invitation is taken back, and the account goes with it', async () => {
    const email = fresh();
    const link = await linkFor(owner, email);
    await change(owner, email, 'NO ACCESS');
    expect(await hasAccount(email)).toBe(false);
    expect((await signInBy(link)).status).toBe(401);
    const again = await linkFor(owner, email);
    expect((await signInBy(again)).status).toBe(200);
    await change(owner, email, 'NO ACCESS');
    expect(await hasAccount(email)).toBe(true);
  });

  test('end with the workspace', async () => {
    const email = fresh();
    const link = await linkFor(owner, email);
    await owner.deleteWorkspace({ params: here });
    expect(await hasAccount(email)).toBe(false);
    expect((await signInBy(link)).status).toBe(401);
  });

  test('give at most what their maker may give when they are used', async () => {
    const sharer = await join({ role: 'READER', canShare: true });
    const email = fresh();
    const link = await linkFor(sharer.client, email, 'READER');
    // Raised meanwhile by somebody who may: the sharer's link must not hand him an owner's account.
    await change(owner, email, 'OWNER');
    expect((await signInBy(link)).status).toBe(401);
    expect(await refusal(sharer.client.createInvitation({ params: { ...here, email } }))).toBe('NotAllowed');
    expect((await signInBy((await owner.createInvitation({ params: { ...here, email } })).url)).status).toBe(200);
  });

  test('of somebody who was himself removed are worth nothing', async () => {
    const sharer = await join({ role: 'WRITER', canShare: true });
    const email = fresh();
    const link = await linkFor(sharer.client, email);
    await change(owner, sharer.email, 'NO ACCESS');
    expect((await signInBy(link)).status).toBe(401);
    expect(await rightsOf(email)).toMatchObject({ isPending: true });
  });

  test('open no workspace that their maker has no say in', async () => {
    // Mallory invites an address first and keeps the link; somebody else then shares a workspace with that address.
    const email = fresh();
    const mallory = await join({ role: 'READER' }, await newWorkspace(owner));
    const trap = await newWorkspace(mallory.client);
    const kept = await linkFor(mallory.client, email, 'READER', trap);
    const genuine = await linkFor(owner, email, 'WRITER');
    expect(genuine).not.toBe('');
    const impostor = await acceptInvitation(url, kept, { email });
    expect(await impostor.client.listWorkspaces()).toMatchObject([trap]);
    expect(await refusal(impostor.client.getWorkspace({ params: here }))).toBe('NotFound');
    expect((await signInBy(genuine)).status).toBe(401);
    expect(await rightsOf(email)).toMatchObject({ isPending: true });
    expect(await refusal(owner.createInvitation({ params: { ...here, email } }))).toBe('NotPossibleNow');
    // Knowing that the account is somebody's now, the owner may still let it in.
    await change(owner, email, 'READER');
    expect(await impostor.client.getWorkspace({ params: here })).toMatchObject({ role: 'READER' });
  });

  test('one link opens all that its maker shared with the person', async () => {
    const email = fresh();
    const other = await newWorkspace(owner);
    const first = await linkFor(owner, email, 'READER', other);
    const second = await linkFor(owner, email, 'WRITER');
    expect((await signInBy(first)).status).toBe(401);
    const person = await acceptInvitation(url, second, { email });
    expect((await person.client.listWorkspaces()).map(({ name }) => name).sort()).toEqual(
      [here.name, other.name].sort(),
    );
  });

  test("open no workspace's door", async () => {
    const link = await linkFor(owner, fresh());
    const { id } = await owner.getWorkspace({ params: here });
    const answer = await raw(inside.port, {
      method: 'GET',
      path: `/open?ticket=${secretOf(link)}`,
      headers: { host: `${id}.localhost:${String(inside.port)}` },
    });
    expect(answer.status).toBe(401);
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  test('to a billion people at once are refused', async () => {
    const body = Array.from({ length: 101 }, () => ({ email: fresh(), role: 'READER' as const }));
    expect(await refusal(owner.updateWorkspaceAcl({ params: here, body }))).toBe('InvalidInput');
    expect(await refusal(owner.updateWorkspaceAcl({ params: here, body: [] }))).toBe('InvalidInput');
  });

  test('are asked for from our own page alone', async () => {
    const { accounts } = inside.server.context;
    const principal = await accounts.principalOfToken(inside.server.token);
    const ticket = await accounts.createSignInTicket(principal?.account.id ?? '');
    const { session } = await accounts.redeemTicket(ticket, null);
    for (const headers of [
      {},
      { 'sec-fetch-mode': 'no-cors' },
      { 'sec-fetch-site': 'same-origin' },
      { origin: 'null' },
      { origin: `${url}.evil.example` },
    ]) {
      const answer = await raw(inside.port, {
        method: 'PATCH',
        path: endpointUrl(endpoints.updateWorkspaceAcl, here),
        headers: { cookie: `terrarium=${session.secret}`, 'content-type': 'application/json', ...headers },
        body: JSON.stringify([{ email: fresh(), role: 'OWNER' }]),
      });
      expect(answer.status).toBe(403);
    }
    expect(await acl()).toHaveLength(1);
  });
});

test('a person is known to the others by the name he gives himself, and by his address', async () => {
  const person = await join({ role: 'READER' });
  expect(await rightsOf(person.email)).toMatchObject({ name: '' });
  await person.client.updateAccount({ body: { name: '  Ada Lovelace ' } });
  expect(await rightsOf(person.email)).toMatchObject({ name: 'Ada Lovelace', email: person.email });
  for (const name of ['a\u202eb', 'a\nb', '\ud800', 'x'.repeat(101)])
    expect(await refusal(person.client.updateAccount({ body: { name } }))).toBe('InvalidInput');
});

test('removing somebody holds for every route at once, with a token that is still good', async () => {
  const person = await join({ role: 'OWNER' });
  await change(owner, person.email, 'NO ACCESS');
  expect(await person.client.listWorkspaces()).toEqual([]);
  for (const work of [
    () => person.client.getWorkspace({ params: here }),
    () => person.client.listNotebooks({ params: here }),
    () => person.client.listObjects({ params: here }),
    () => person.client.openDoor({ params: here, body: {} }),
    () => person.client.listEnvironments({ params: here }),
    () => person.client.createEnvironment({ params: here, body: {} }),
    () => acl(person.client),
  ]) {
    expect(await refusal(work())).toBe('NotFound');
  }
  const door = await fetch(`${url}/jupyter/${here.namespace}/${here.name}/api/contents`, {
    headers: { authorization: `Bearer ${person.token}` },
  });
  expect(door.status).toBe(404);
});
