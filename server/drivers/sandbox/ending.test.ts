import { spawn } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import fs from 'node:fs/promises';
import path from 'node:path';
import type { MachineSpec } from '../../environments/compute-driver.ts';
import { markerVariable } from './inside.ts';
import { outsideProcesses } from './machine-processes.ts';
import { argumentsOf, readProcess } from './processes.ts';
import { ask, createTestSandbox, eventually, run, type TestSandbox } from './testing/machines.ts';

const isRoot = process.getuid?.() === 0;

describe('the end of a machine', () => {
  let sandbox: TestSandbox;
  let ahead = 0;
  const directoryOf = (id: string): string => path.join(sandbox.options.dataDirectory, 'machines', id);
  const stopped = async ({ id }: MachineSpec) => {
    await eventually(async () => {
      expect((await sandbox.compute.inspect(id)).state).toBe('stopped');
    });
    const fact = await sandbox.compute.inspect(id);
    if (fact.state !== 'stopped' || fact.endedAt === null) throw new Error('It should have ended.');
    return { endedAt: fact.endedAt.getTime() };
  };

  beforeEach(async () => {
    ahead = 0;
    sandbox = await createTestSandbox({ clock: { now: () => Date.now() + ahead } });
  });
  afterEach(async () => {
    await sandbox.dispose();
  });

  it('was when it ended by itself, however late somebody looks', async () => {
    const spec = await sandbox.startNew();
    const before = Date.now();
    await ask(sandbox.compute, spec, '/exit', '3').catch(() => undefined);
    await eventually(() => {
      expect(outsideProcesses(directoryOf(spec.id))).toEqual([]);
    });
    const after = Date.now();
    ahead = 3_600_000;
    const { endedAt } = await stopped(spec);
    expect(endedAt).toBeGreaterThanOrEqual(before);
    expect(endedAt).toBeLessThanOrEqual(after);
    ahead *= 2;
    expect(await stopped(spec)).toEqual({ endedAt });
    await sandbox.compute.stop(spec.id, { graceMs: 1000 });
    expect(await stopped(spec)).toEqual({ endedAt });
  });

  it('was when it was last seen alive, where its supervisor cannot tell any more', async () => {
    const spec = await sandbox.startNew();
    ahead = 60_000;
    await sandbox.compute.inspect(spec.id);
    const seen = Date.now() + ahead;
    const all = outsideProcesses(directoryOf(spec.id));
    for (const { pid } of all) process.kill(pid, 'SIGKILL');
    await eventually(() => {
      expect(all.filter(({ pid }) => readProcess(pid) !== null)).toEqual([]);
    });
    ahead = 3_600_000;
    const { endedAt } = await stopped(spec);
    expect(Math.abs(endedAt - seen)).toBeLessThan(10_000);
    ahead *= 2;
    expect(await stopped(spec)).toEqual({ endedAt });
    await sandbox.compute.start(spec);
    await sandbox.compute.stop(spec.id, { graceMs: 1000 });
    expect((await stopped(spec)).endedAt).toBeGreaterThan(endedAt);
  });

  it('never comes before its beginning, also when the clock goes back', async () => {
    const spec = await sandbox.startNew();
    ahead = -3_600_000;
    await sandbox.compute.sleep(spec.id);
    const asleep = await sandbox.compute.inspect(spec.id);
    if (asleep.state !== 'asleep') throw new Error('It should sleep.');
    expect(asleep.asleepSince.getTime()).toBeGreaterThanOrEqual(asleep.startedAt.getTime());
    await sandbox.compute.stop(spec.id, { graceMs: 1000 });
    const { endedAt } = await stopped(spec);
    expect(endedAt).toBeGreaterThanOrEqual(asleep.startedAt.getTime());
    await sandbox.compute.start(spec);
    const again = await sandbox.compute.inspect(spec.id);
    if (again.state !== 'running') throw new Error('It should run.');
    expect(again.startedAt.getTime()).toBeGreaterThanOrEqual(endedAt);
  });

  // What the launcher shows in /proc while it becomes the next program, drawn out as on a host under load.
  it('comes for a process, too, that does not yet show whose it is', async () => {
    const spec = await sandbox.newSpec();
    await sandbox.compute.create(spec);
    const directory = directoryOf(spec.id);
    const child = spawn('/bin/sh', { argv0: '', env: {}, detached: true, stdio: ['pipe', 'ignore', 'inherit'] });
    child.stdin.end(`PATH=/usr/bin:/bin; sleep 0.5; export ${markerVariable}='${directory}'; exec sleep 1000\n`);
    await eventually(() => {
      expect(argumentsOf(child.pid ?? 0).every((text) => text === '')).toBe(true);
    });
    await sandbox.compute.delete(spec.id);
    await new Promise((resolve) => {
      if (child.exitCode === null && child.signalCode === null) child.once('exit', resolve);
      else resolve(null);
      setTimeout(resolve, 1000);
    });
    const left = outsideProcesses(directory);
    for (const { pid } of left) process.kill(pid, 'SIGKILL');
    expect(left).toEqual([]);
  });

  it.skipIf(!isRoot)('is told of the right run after a start that came to nothing', async () => {
    const spec = await sandbox.startNew();
    await sandbox.compute.stop(spec.id, { graceMs: 1000 });
    const before = await sandbox.compute.inspect(spec.id);
    const image = path.join(sandbox.options.dataDirectory, 'disks', `${spec.diskId}.img`);
    await fs.rename(image, `${image}.away`).catch(() => undefined);
    await fs.writeFile(image, 'nothing that can be mounted');
    await expect(sandbox.compute.start(spec)).rejects.toThrow(/could not be started/);
    expect(await sandbox.compute.inspect(spec.id)).toEqual(before);
  });
});

describe.skipIf(!isRoot).each([
  { name: 'confined', without: [] },
  { name: 'confined, with the freezer of version 1', without: ['unified-groups'] },
  { name: 'not confined', without: ['bubblewrap'] },
] as const)('a machine that multiplies without end, $name', ({ without }) => {
  it('is stopped and deleted in seconds', async () => {
    const sandbox = await createTestSandbox({ without, processLimit: 48 });
    try {
      const spec = await sandbox.startNew();
      const neighbour = await sandbox.startNew();
      for (const end of ['stop', 'sleep', 'delete'] as const) {
        // Each copy makes two more, as often as it can; what cannot be made is tried again.
        const bomb = 'while :; do sh "$HOME/bomb" & sh "$HOME/bomb" & done';
        await run(sandbox.compute, spec, `echo '${bomb}' > ~/bomb; (sh ~/bomb &) </dev/null >/dev/null 2>&1`);
        const begin = performance.now();
        if (end === 'sleep') {
          await sandbox.compute.sleep(spec.id);
          expect((await sandbox.compute.inspect(spec.id)).state).toBe('asleep');
        }
        if (end === 'delete') await sandbox.compute.delete(spec.id);
        else await sandbox.compute.stop(spec.id, { graceMs: 1000 });
        expect(performance.now() - begin).toBeLessThan(12_000);
        expect(outsideProcesses(path.join(sandbox.root, 'machines', spec.id))).toEqual([]);
        if (end !== 'delete') await sandbox.compute.start(spec);
        if (end !== 'delete') await eventually(async () => void (await ask(sandbox.compute, spec, '/agent/health')));
      }
      expect((await run(sandbox.compute, neighbour, 'echo fine')).output).toBe('fine');
    } finally {
      await sandbox.dispose();
    }
  });
});
