import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as Y from 'yjs';
import { readNotebook, type Notebook } from '../documents/nbformat.ts';
import { readSharedNotebook } from '../documents/shared-notebook.ts';
import { createFilesystemObjectStore } from '../drivers/filesystem/object-store.ts';
import { createInstallation, type ControlPlane, type Installation } from '../testing/control-plane.ts';
import { joinRoom, openSession, Typist, type RoomAddress, type RoomDoor } from '../testing/room-typist.ts';

/** `npm run soak:documents` asks for 100. */
const kills = Number(process.env['SOAK_KILLS'] ?? 4);
const isSoak = kills > 20;
const workspace = { namespace: 'my-project', name: 'getting-started' };
const key = 'notebooks/typed.ipynb';
let installation: Installation;
let plane: ControlPlane;

beforeAll(async () => {
  installation = await createInstallation();
  plane = await installation.start();
});

afterAll(async () => {
  await installation.remove();
});

const door = (): RoomDoor => ({ url: plane.url, token: plane.token, workspace });

async function ask(method: string, body: string | null = null): Promise<Response> {
  return fetch(`${plane.url}/api/workspaces/my-project/getting-started/bucket/objects/${key}`, {
    method,
    body,
    headers: { authorization: `Bearer ${plane.token}` },
  });
}

/** Every object version that this control plane left, as the next one will find it; each is looked at once. */
async function checkVersions(checked: Set<string>): Promise<void> {
  const store = createFilesystemObjectStore({ directory: path.join(installation.dataDirectory, 'buckets') });
  try {
    const live = await store.head(bucket, key);
    for (const { generation } of [...(await store.versions(bucket, key)), ...(live === null ? [] : [live])]) {
      if (checked.has(generation)) continue;
      const found = await store.get(bucket, key, { generation });
      const reading = readNotebook(await buffer(found?.body ?? Readable.from([])));
      expect(reading.kind === 'refused' ? reading.reason : reading.problem, `generation ${generation}`).toBeNull();
      checked.add(generation);
    }
  } finally {
    await store.close();
  }
}

let bucket = '';

async function createNotebook(): Promise<RoomAddress> {
  const cells = ['', '', ''].map((source, index) => {
    const id = `c${String(index)}`;
    return { id, cell_type: 'code', metadata: {}, source, outputs: [], execution_count: null };
  });
  const notebook: Notebook = { nbformat: 4, nbformat_minor: 5, metadata: {}, cells };
  expect((await ask('PUT', JSON.stringify(notebook))).status).toBe(200);
  ({ bucket } = await plane.client.getWorkspace({ params: workspace }));
  return openSession(door(), key);
}

test(
  `no acknowledged edit is lost or doubled over ${String(kills)} kill -9 while two people type`,
  { timeout: 60_000 + kills * 15_000 },
  async () => {
    const room = await createNotebook();
    const people = ['a', 'b'].map((name, index) => new Typist(name, index + 1, joinRoom(door(), room)));
    for (const { client } of people) await client.synced();
    const checked = new Set<string>();

    /** Types until told to stop, whether connected or not. */
    const typing = { isOn: true };
    async function keepTyping(person: Typist): Promise<void> {
      while (typing.isOn) {
        person.type();
        for (let turns = Math.random() * 40; turns > 0; turns--) await new Promise(setImmediate);
      }
    }

    for (let kill = 0; kill < kills; kill++) {
      typing.isOn = true;
      const typed = people.map(keepTyping);
      // Short rounds fall into a batch of the journal, long ones into a write to the bucket or a snapshot.
      const untilMs = Math.random() < 0.5 ? Math.random() * 300 : Math.random() * (isSoak ? 6000 : 2000);
      await new Promise((resolve) => setTimeout(resolve, untilMs));
      await plane.kill();
      typing.isOn = false;
      await Promise.all(typed);
      await Promise.all(people.map((person) => person.drop()));
      await checkVersions(checked);
      plane = await installation.start();
      expect(await openSession(door(), key), 'the same document').toEqual(room);
      // Now and then one of them has crashed as well, and comes back with nothing.
      const crashed = kill % 3 === 2 ? people[kill % 2] : undefined;
      for (const person of people) {
        person.type();
        person.reconnect(joinRoom(door(), room, person === crashed ? new Y.Doc() : person.doc));
      }
      for (const { client } of people) await client.synced();
      for (const person of people) {
        const { cells } = readSharedNotebook(person.doc);
        expect(person.problemIn(cells), `after kill ${String(kill)}`).toBeNull();
      }
    }

    for (const { client } of people) await client.saved();
    for (const person of people) {
      person.settle();
      expect(person.edits.filter(({ state }) => state === 'sent')).toEqual([]);
      expect(person.edits.some(({ state }) => state === 'acknowledged')).toBe(true);
    }
    const [first, second] = people;
    const vector = () => Buffer.from(Y.encodeStateVector(second?.doc ?? new Y.Doc()));
    await first?.client.until(
      () => Buffer.from(Y.encodeStateVector(first.doc)).equals(vector()),
      'both to have the same edits',
    );
    const reading = readNotebook(Buffer.from(await (await ask('GET')).arrayBuffer()));
    if (reading.kind === 'refused') throw new Error(reading.reason);
    for (const person of people) {
      expect(readSharedNotebook(person.doc).cells).toEqual(reading.notebook.cells);
      expect(person.problemIn(reading.notebook.cells)).toBeNull();
    }
    for (const { client } of people) await client.close();
    await plane.stop();
    await checkVersions(checked);
    expect(checked.size).toBeGreaterThan(kills / 2);
    plane = await installation.start();
  },
);
