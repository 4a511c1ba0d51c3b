import { afterAll, beforeAll, expect, test } from 'vitest';
import { createInstallation, untilTrue, type ControlPlane, type Installation } from '../testing/control-plane.ts';

const kills = Number(process.env['SOAK_KILLS'] ?? 15);
const writers = 4;
let installation: Installation;
let plane: ControlPlane;

beforeAll(async () => {
  installation = await createInstallation();
  plane = await installation.start();
});

afterAll(async () => {
  await installation.remove();
});

/** A notebook that differs with every save, of a size that changes too. */
function notebook(writer: number, save: number): string {
  const source = `# ${String(writer)} ${String(save)}\n${'x'.repeat((save * 7919) % 60_000)}`;
  const cell = { cell_type: 'markdown', id: 'a', metadata: {}, source };
  return JSON.stringify({ cells: [cell], metadata: {}, nbformat: 4, nbformat_minor: 5 });
}

test(
  `no acknowledged save is lost over ${String(kills)} kill -9 in the middle of saving`,
  { timeout: kills * 16_000 },
  async () => {
    /** Of each notebook: what was acknowledged last, and what was sent since and may or may not be there. */
    const acknowledged = new Map<string, string>();
    const unanswered = new Map<string, Set<string>>();
    let saves = 0;

    async function saveUntilKilled(writer: number): Promise<void> {
      for (;;) {
        const key = `notebooks/${String(writer)}-${String(saves % 3)}.ipynb`;
        const content = notebook(writer, saves++);
        const pending = unanswered.get(key) ?? new Set();
        unanswered.set(key, pending.add(content));
        try {
          const response = await send('PUT', key, content);
          await response.arrayBuffer();
          expect(response.status).toBe(200);
        } catch (error) {
          // A refused save would be an assertion; only a broken connection ends the round.
          if (!(error instanceof TypeError)) throw error;
          return;
        }
        acknowledged.set(key, content);
        unanswered.delete(key);
      }
    }

    const send = (method: string, key: string, body: string | null = null) =>
      fetch(`${plane.url}/api/workspaces/my-project/getting-started/bucket/objects/${key}`, {
        method,
        body,
        headers: { authorization: `Bearer ${plane.token}` },
      });

    for (let kill = 0; kill < kills; kill++) {
      const round = Promise.all(Array.from({ length: writers }, (_, writer) => saveUntilKilled(writer)));
      const enough = saves + 2 * writers;
      await untilTrue(async () => saves >= enough, 'saves are under way');
      // Any moment of a save: a turn of this loop is far shorter than one.
      for (let turns = Math.random() * 400; turns > 0; turns--) await new Promise(setImmediate);
      await plane.kill();
      await round;
      plane = await installation.start();
      for (const key of new Set([...acknowledged.keys(), ...unanswered.keys()])) {
        const response = await send('GET', key);
        const found = await response.text();
        const allowed = [...(unanswered.get(key) ?? [])];
        const last = acknowledged.get(key);
        if (last === undefined && response.status === 404) continue;
        expect(response.status, key).toBe(200);
        expect([last, ...allowed].includes(found), `${key} after kill ${String(kill)}`).toBe(true);
        acknowledged.set(key, found);
        unanswered.delete(key);
      }
    }
    expect(saves).toBeGreaterThan(kills * writers);
    const leftover = await plane.client.listObjects({
      params: { namespace: 'my-project', name: 'getting-started' },
      query: { prefix: 'notebooks/' },
    });
    expect(leftover.objects.map(({ key }) => key).toSorted()).toEqual(
      [...acknowledged.keys(), 'notebooks/python-elevation-map.ipynb', 'notebooks/r-air-quality.ipynb'].toSorted(),
    );
  },
);
