import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import type { RoomClient } from '../documents/testing-client.ts';
import { freePort, startControlPlane, type ControlPlane } from '../testing/control-plane.ts';
import { joinRoom, openSession, type RoomAddress, type RoomDoor } from '../testing/room-typist.ts';

const isRoot = process.getuid?.() === 0;
const workspace = { namespace: 'my-project', name: 'getting-started' };
const key = 'notebooks/one.ipynb';
const command = promisify(execFile);
const cleanups: (() => Promise<unknown>)[] = [];
let plane: ControlPlane;

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const door = (): RoomDoor => ({ url: plane.url, token: plane.token, workspace });

/** A small file system of its own, so that it can be full. */
async function smallFileSystem(size: string): Promise<string> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'terrarium-full-'));
  cleanups.push(() => rm(directory, { recursive: true, force: true }));
  await command('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'tmpfs', directory]);
  cleanups.push(() => command('umount', [directory]));
  return directory;
}

function ask(method: string, what: string, body: string | null = null): Promise<Response> {
  return fetch(`${plane.url}/api/workspaces/my-project/getting-started/bucket/objects/${what}`, {
    method,
    body,
    headers: { authorization: `Bearer ${plane.token}` },
  });
}

async function join(room: RoomAddress, doc?: RoomClient['doc']): Promise<RoomClient> {
  const client = joinRoom(door(), room, doc);
  cleanups.push(() => client.close());
  await client.synced();
  return client;
}

function said(client: RoomClient, type: string, what: string) {
  return client.notices.filter((notice) => notice['type'] === type && notice['what'] === what);
}

/** Too long for what is left of the last page of a file. */
const long = (mark: string): string => `<${mark}${'.'.repeat(20_000)}>`;

test.skipIf(!isRoot)(
  'a full data disk: typing goes on, it is said that nothing is saved, and what was acknowledged outlives kill -9',
  async () => {
    const dataDirectory = await smallFileSystem('32m');
    const port = await freePort();
    plane = await startControlPlane({ dataDirectory, port });
    cleanups.push(() => plane.stop());
    const cell = { id: 'c', cell_type: 'code', metadata: {}, source: '', outputs: [], execution_count: null };
    const notebook = JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [cell] });
    expect((await ask('PUT', key, notebook)).status).toBe(200);
    expect((await ask('PUT', 'notebooks/other.ipynb', notebook)).status).toBe(200);
    const room = await openSession(door(), key);
    const [first, second] = [await join(room), await join(room)];
    first.source(0).insert(0, long('before'));
    await first.saved();

    const ballast = path.join(dataDirectory, 'ballast');
    const fill = () => command('sh', ['-c', 'cat /dev/zero > "$1" 2>/dev/null || true', 'fill', ballast]);
    await fill();
    const promised = first.durable;
    first.source(0).insert(first.text(0).length, long('full'));
    await first.until(() => said(first, 'trouble', 'journal').length > 0, 'being told');
    expect(said(first, 'trouble', 'journal')[0]?.['reason']).toMatch(/full\. Free some space there\.$/);
    // Others see it all the same, and are told as well.
    await second.until(() => second.text(0).includes('<full'), 'the edit');
    await second.until(() => said(second, 'trouble', 'journal').length > 0, 'being told');
    expect(first.durable).toBe(promised);

    // Whatever else is asked is answered, with a sentence where it cannot be done.
    const health = await fetch(`${plane.url}/api/workspaces`, { headers: { authorization: `Bearer ${plane.token}` } });
    expect(health.status).toBe(200);
    await expect(openSession(door(), 'notebooks/other.ipynb')).rejects.toThrow(/507 .*full\. Free some space/);
    expect((await ask('GET', 'notebooks/other.ipynb')).status).toBe(200);
    const late = await join(room);
    expect(late.text(0)).toContain('<full');
    await late.until(() => said(late, 'trouble', 'journal').length > 0, 'being told at the door');

    await rm(ballast);
    await first.saved();
    expect(said(first, 'well', 'journal')).toHaveLength(1);

    // Once more, and nobody gets to write it down this time.
    await fill();
    const acknowledged = first.text(0);
    second.source(0).insert(second.text(0).length, long('unsaved'));
    await second.until(() => said(second, 'trouble', 'journal').length > 1, 'being told again');
    await plane.kill();
    await rm(ballast);
    plane = await startControlPlane({ dataDirectory, port });
    expect(await openSession(door(), key), 'the same document').toEqual(room);
    const fresh = await join(room);
    expect(fresh.text(0)).toBe(acknowledged);
    const again = [await join(room, first.doc), await join(room, second.doc)];
    for (const client of again) await client.saved();
    await fresh.until(() => fresh.text(0).includes('<unsaved'), 'what was not saved before');
    expect([...fresh.text(0).matchAll(/<(\w+)/g)].map(([, mark]) => mark)).toEqual(['before', 'full', 'unsaved']);
    const stored = (await (await ask('GET', key)).json()) as { cells: { source: string[] }[] };
    expect(stored.cells[0]?.source.join('')).toBe(fresh.text(0));
    expect(await openSession(door(), 'notebooks/other.ipynb')).toHaveProperty('documentId');
  },
);
