import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { AppError, createClient, type Client, type Environment, type WorkspaceRole } from '@terrarium/contract';
import { RoomClient } from '../documents/testing-client.ts';
import { createStandIn, type StandIn } from '../gateway/stand-in-agent.ts';
import { untilTrue } from '../testing/control-plane.ts';
import { invite, type Person } from '../testing/people.ts';
import { startInside, type InsideServer } from './outside/inside-server.ts';

const namespace = 'my-project';
const notebook = 'shared.ipynb';
let inside: InsideServer;
let standIn: StandIn;
let directory: string;
let owner: Client;
let here: { namespace: string; name: string };
let made = 0;
const sockets: WebSocket[] = [];

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'terrarium-sharing-'));
  standIn = createStandIn(directory);
  const kernels = new WebSocketServer({ noServer: true });
  standIn.far.upgrade = (request, socket, head) => {
    kernels.handleUpgrade(request, socket, head, () => undefined);
  };
  inside = await startInside(() => standIn);
  owner = createClient({ baseUrl: inside.server.url, token: inside.server.token });
});
afterAll(async () => {
  await inside.remove();
  await standIn.close();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(async () => {
  const { name } = await owner.createWorkspace({ body: { namespace, name: `shared-${String((made += 1))}` } });
  here = { namespace, name };
  const cell = { id: 'a1', cell_type: 'markdown', metadata: {}, source: '' };
  const body = JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [cell] });
  await owner.putNotebookContent({ params: { ...here, path: notebook }, body });
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate();
});

const change = (email: string, role: WorkspaceRole | 'NO ACCESS', flags = {}) =>
  owner.updateWorkspaceAcl({ params: here, body: [{ email, role, ...flags }] });

async function environmentOf(person: Person): Promise<Environment> {
  const [environment] = await person.client.listAllEnvironments();
  if (environment === undefined) throw new Error(`${person.email} has no environment.`);
  return environment;
}

const untilIs = (person: Person, status: Environment['status']) =>
  untilTrue(async () => (await environmentOf(person)).status === status, `the environment is ${status}`);

async function withEnvironment(): Promise<Person> {
  const person = await invite(inside.server, here, { role: 'WRITER' });
  await person.client.createEnvironment({ params: here, body: {} });
  await untilIs(person, 'Running');
  return person;
}

const door = () => `${inside.server.url}/jupyter/${here.namespace}/${here.name}/api`;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

async function openRoom(token: string): Promise<RoomClient> {
  const answer = await fetch(`${door()}/collaboration/session/notebooks/${notebook}`, {
    method: 'PUT',
    headers: { ...bearer(token), 'content-type': 'application/json' },
    body: JSON.stringify({ format: 'json', type: 'notebook' }),
  });
  // The door answered with the shape that jupyter_server_ydoc has.
  const { fileId, sessionId } = (await answer.json()) as { fileId: string; sessionId: string };
  const room = `${door().replace(/^http/, 'ws')}/collaboration/room/json:notebook:${fileId}`;
  const client = new RoomClient(`${room}?sessionId=${sessionId}&terrarium=1`, bearer(token));
  sockets.push(client.socket);
  await client.synced();
  return client;
}

async function openKernel(token: string): Promise<WebSocket> {
  const socket = new WebSocket(`${door().replace(/^http/, 'ws')}/kernels/k/channels`, { headers: bearer(token) });
  sockets.push(socket);
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('open', resolve));
  return socket;
}

const isClosed = (socket: WebSocket) => async () => socket.readyState === WebSocket.CLOSED;

async function refusal(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );
}

describe('whoever', () => {
  test.each([
    ['is removed', (person: Person) => change(person.email, 'NO ACCESS')],
    ['is made a reader', (person: Person) => change(person.email, 'READER')],
    ['loses "can compute"', (person: Person) => change(person.email, 'WRITER', { canCompute: false })],
    ['leaves', (person: Person) => person.client.leaveWorkspace({ params: here })],
  ])('%s has his environment paused, and keeps it and his disk', async (_, work) => {
    const person = await withEnvironment();
    await work(person);
    expect(['Stopping', 'Stopped']).toContain((await environmentOf(person)).status);
    await untilIs(person, 'Stopped');
    const environment = await environmentOf(person);
    expect(environment.disk?.status).toBe('Ready');
    const params = { ...here, environment: environment.id };
    expect(await refusal(person.client.startEnvironment({ params }))).toMatch(/^Not(Found|Allowed)$/);
    // He can still be rid of it, and of the disk.
    await person.client.deleteEnvironment({ params });
    await untilTrue(async () => (await person.client.listAllEnvironments()).length === 0, 'it is deleted');
    const [disk] = await person.client.listDisks();
    await person.client.deleteDisk({ params: { id: disk?.id ?? '' } });
    await untilTrue(async () => (await person.client.listDisks()).length === 0, 'the disk is deleted');
  });

  test('lost the right while nobody looked has it paused by the next round', async () => {
    const person = await withEnvironment();
    const { database, entitlements } = inside.server.context;
    const { id } = await person.client.getSession();
    const members = database.tables<{ workspace_members: { account_id: string } }>();
    await members.deleteFrom('workspace_members').where('account_id', '=', id).execute();
    await entitlements.pauseUnentitled();
    await untilIs(person, 'Stopped');
  });

  test('keeps the right keeps his environment', async () => {
    const [person, other] = [await withEnvironment(), await withEnvironment()];
    await change(other.email, 'WRITER', { canShare: true });
    await change(person.email, 'NO ACCESS');
    await untilIs(person, 'Stopped');
    expect((await environmentOf(other)).status).toBe('Running');
  });
});

describe('open connections', () => {
  test('of somebody who is removed are cut at once; of others they stay', async () => {
    const [person, other] = [await withEnvironment(), await invite(inside.server, here, { role: 'READER' })];
    const [room, kernel] = [await openRoom(person.token), await openKernel(person.token)];
    const [stays, owners] = [await openRoom(other.token), await openRoom(inside.server.token)];
    const started = performance.now();
    await change(person.email, 'NO ACCESS');
    await untilTrue(isClosed(room.socket), 'the room is closed');
    await untilTrue(isClosed(kernel), 'the kernel is closed');
    // Far below the rounds that look again by themselves.
    expect(performance.now() - started).toBeLessThan(10_000);
    owners.source(0).insert(0, 'still here');
    await stays.until(() => stays.text(0) === 'still here', 'the edit');
    expect(stays.socket.readyState).toBe(WebSocket.OPEN);
  });

  test('of somebody who is made a reader stay, and what he types from then on is not taken', async () => {
    const person = await invite(inside.server, here, { role: 'WRITER', canCompute: false });
    const [room, owners] = [await openRoom(person.token), await openRoom(inside.server.token)];
    room.source(0).insert(0, 'a');
    await owners.until(() => owners.text(0) === 'a', 'the edit');
    await change(person.email, 'READER');
    room.source(0).insert(1, 'b');
    await room.until(() => room.notices.some(({ type }) => type === 'read-only'), 'the refusal');
    owners.source(0).insert(1, 'c');
    await room.until(() => room.text(0).includes('c'), "the owner's edit");
    expect(owners.text(0)).toBe('ac');

    await change(person.email, 'WRITER');
    const again = await openRoom(person.token);
    again.source(0).insert(0, 'd');
    await owners.until(() => owners.text(0) === 'dac', 'the edit after the right came back');
  });

  test('a hundred changes of rights in a row leave the room with the last', async () => {
    const person = await invite(inside.server, here, { role: 'WRITER', canCompute: false });
    const [room, owners] = [await openRoom(person.token), await openRoom(inside.server.token)];
    const roles = Array.from({ length: 100 }, (_, at) => (at % 2 === 0 ? 'READER' : 'WRITER'));
    await Promise.all(roles.map((role) => change(person.email, role)));
    await change(person.email, 'WRITER');
    room.source(0).insert(0, 'taken');
    await owners.until(() => owners.text(0) === 'taken', 'the edit');
  });

  test('the kernel of somebody who may compute no more is cut, and his room stays', async () => {
    const person = await withEnvironment();
    const [room, kernel] = [await openRoom(person.token), await openKernel(person.token)];
    await change(person.email, 'WRITER', { canCompute: false });
    await untilTrue(isClosed(kernel), 'the kernel is closed');
    expect(room.socket.readyState).toBe(WebSocket.OPEN);
  });

  test('the stream of what changes tells somebody who is removed no more of the workspace', async () => {
    const person = await invite(inside.server, here, { role: 'READER' });
    const { id } = await owner.getWorkspace({ params: here });
    const abort = new AbortController();
    const heard: string[] = [];
    const streams = [`${inside.server.url}/api/events`, `${door().replace(/\/api$/, '')}/terrarium/events`];
    const opened = await Promise.all(
      streams.map((url) => fetch(url, { headers: bearer(person.token), signal: abort.signal })),
    );
    for (const [at, { body }] of opened.entries()) {
      void (async () => {
        for await (const chunk of body ?? []) heard.push(`${String(at)} ${Buffer.from(chunk).toString()}`);
      })().catch(() => undefined);
    }
    const hears = (at: number, kind: string) =>
      heard.some((text) => text.startsWith(String(at)) && text.includes(kind));
    await owner.createNotebook({ params: here, body: { path: 'before.ipynb' } });
    await untilTrue(async () => hears(0, '"notebook"') && hears(1, '"notebook"'), 'both streams tell of the notebook');
    await change(person.email, 'NO ACCESS');
    await untilTrue(
      async () => heard.some((text) => text.startsWith('0') && text.includes('"workspace"')),
      'he hears that he is out',
    );
    heard.length = 0;
    await owner.createNotebook({ params: here, body: { path: 'after.ipynb' } });
    // Something later that he may hear of: what came before it has been sent or kept back by then.
    await person.client.createBillingProject({ body: { name: `theirs-${String(made)}` } });
    await untilTrue(async () => hears(0, 'billing-project'), 'the app tells of what is his');
    expect(heard.join('\n')).not.toContain(id);
    abort.abort();
  });
});
