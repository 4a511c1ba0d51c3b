import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MachineSpec } from '../../environments/compute-driver.ts';
import { canGrowMounted } from './images.ts';
import { Launch } from './machine-files.ts';
import { outsideProcesses } from './machine-processes.ts';
import { argumentsOf } from './processes.ts';
import { createTestSandbox, answers, ask, eventually, run, type TestSandbox } from './testing/machines.ts';

const isRoot = process.getuid?.() === 0;

describe('a sandbox machine', () => {
  let sandbox: TestSandbox;
  const directoryOf = (id: string): string => path.join(sandbox.options.dataDirectory, 'machines', id);
  const stopped = async (spec: MachineSpec): Promise<string | null> => {
    let exit: string | null = null;
    await eventually(async () => {
      const fact = await sandbox.compute.inspect(spec.id);
      if (fact.state !== 'stopped') throw new Error(`still ${fact.state}`);
      exit = fact.exit;
    });
    return exit;
  };

  beforeEach(async () => {
    sandbox = await createTestSandbox();
  });
  afterEach(async () => {
    await sandbox.dispose();
  });

  it('leaves no process, mount, loop device or group behind', async () => {
    const spec = await sandbox.startNew();
    const name = path.basename(sandbox.root);
    await sandbox.compute.stop(spec.id, { graceMs: 5000 });
    await expectNothingLeft(name, spec.id);
    await sandbox.compute.start(spec);
    await answers(sandbox.compute, spec);
    await sandbox.compute.delete(spec.id);
    await expectNothingLeft(name, spec.id);
    expect(await fs.readdir(path.join(sandbox.root, 'machines'))).toEqual([]);
  });

  it('asks the agent to end before it is ended', async () => {
    const spec = await sandbox.startNew();
    await sandbox.compute.stop(spec.id, { graceMs: 5000 });
    expect(await sandbox.compute.logs(spec.id)).toContain('asked to end');
  });

  it('says what it ended of', async () => {
    const spec = await sandbox.startNew();
    await ask(sandbox.compute, spec, '/exit', '3').catch(() => undefined);
    expect(await stopped(spec)).toMatch(/exit code 3/);
    await sandbox.compute.start(spec);
    process.kill(await sandbox.firstPid(spec.id), 'SIGKILL');
    expect(await stopped(spec)).toMatch(/SIGKILL|without leaving a reason/);
    await sandbox.compute.start(spec);
    await answers(sandbox.compute, spec);
  });

  it.skipIf(!isRoot)('says when it ended for want of memory', async () => {
    const spec = await sandbox.startNew();
    await ask(sandbox.compute, spec, '/hog').catch(() => undefined);
    expect(await stopped(spec)).toBe('It ran out of memory (0.5 GiB) and was ended.');
    await sandbox.compute.start(spec);
    expect((await sandbox.compute.inspect(spec.id)).state).toBe('running');
  });

  it('is stopped after the host was restarted, whoever has its pid by then', async () => {
    const spec = await sandbox.startNew();
    await sandbox.compute.stop(spec.id, { graceMs: 5000 });
    const launch = {
      startedAt: 1,
      bootId: 'another',
      diskId: spec.diskId,
      memoryBytes: 1,
      cgroups: [],
      memoryEvents: null,
      stopping: false,
    };
    await fs.writeFile(path.join(directoryOf(spec.id), 'launch.json'), JSON.stringify(launch));
    await fs.writeFile(
      path.join(directoryOf(spec.id), 'process.json'),
      JSON.stringify({ pid: process.pid, startTicks: 1, bootId: 'another' }),
    );
    await fs.writeFile(path.join(directoryOf(spec.id), 'asleep.json'), JSON.stringify({ since: 1 }));
    expect(await sandbox.compute.inspect(spec.id)).toMatchObject({
      id: spec.id,
      state: 'stopped',
      exit: 'The host was restarted.',
    });
    await sandbox.compute.start(spec);
    expect((await sandbox.compute.inspect(spec.id)).state).toBe('running');
  });

  it('is found again when the note of its process was never written', async () => {
    const spec = await sandbox.startNew();
    const before = await sandbox.compute.inspect(spec.id);
    await fs.rm(path.join(directoryOf(spec.id), 'process.json'));
    const again = sandbox.make();
    expect(await again.compute.inspect(spec.id)).toEqual(before);
    await fs.rm(path.join(directoryOf(spec.id), 'process.json'));
    await sandbox.make().compute.start(spec);
    expect(firstProcesses(directoryOf(spec.id))).toBe(1);
    await run(sandbox.compute, spec, 'echo still > ~/here');
  });

  it('is understood when its notes are those of a version that knew less', async () => {
    const spec = await sandbox.startNew();
    const at = (name: string): string => path.join(directoryOf(spec.id), name);
    const { startedAt, bootId, diskId, memoryBytes, memoryEvents, stopping, cgroups } = Launch.parse(
      JSON.parse(await fs.readFile(at('launch.json'), 'utf8')),
    );
    const limited = cgroups.filter((group) => !/freezer|unified/.test(group));
    const known = { startedAt, bootId, diskId, memoryBytes, memoryEvents, stopping, cgroups: limited };
    await fs.writeFile(at('launch.json'), JSON.stringify(known));
    await fs.rm(at('made.json'));
    const { compute } = sandbox.make();
    const running = await compute.inspect(spec.id);
    if (running.state !== 'running') throw new Error('It should run.');
    expect(running.startedAt.getTime()).toBe(startedAt);
    expect(running.createdAt.getTime()).toBeLessThanOrEqual(startedAt);
    await compute.sleep(spec.id);
    expect((await compute.inspect(spec.id)).state).toBe('asleep');
    await compute.wake(spec.id);
    expect(await compute.inspect(spec.id)).toEqual(running);
    await compute.stop(spec.id, { graceMs: 3000 });
    expect(await compute.inspect(spec.id)).toMatchObject({ createdAt: running.createdAt, exit: null });
    await compute.start(spec);
    await answers(compute, spec);
  });

  it('is listed, and ended by a delete, when its directory is gone', async () => {
    const spec = await sandbox.startNew();
    await fs.rename(directoryOf(spec.id), path.join(sandbox.root, 'lost'));
    expect((await sandbox.compute.list()).map((fact) => fact.id)).toEqual([spec.id]);
    await sandbox.compute.delete(spec.id);
    expect(await sandbox.compute.list()).toEqual([]);
    expect(outsideProcesses(directoryOf(spec.id))).toEqual([]);
  });

  it('goes on when its supervisor is killed, and still ends when it should', async () => {
    const spec = await sandbox.startNew();
    for (const one of outsideProcesses(directoryOf(spec.id))) {
      const keepsTheLog = argumentsOf(one.pid)[0]?.endsWith('dd') === true;
      if (one.namespacePids.length === 1 && !keepsTheLog) process.kill(one.pid, 'SIGKILL');
    }
    await sandbox.compute.start(spec);
    expect((await run(sandbox.compute, spec, 'echo fine')).output).toBe('fine');
    const other = await sandbox.newSpec({ diskId: spec.diskId });
    await sandbox.compute.create(other);
    await expect(sandbox.compute.start(other)).rejects.toThrow(/is attached/);
    await sandbox.compute.delete(spec.id);
    await expectNothingLeft(path.basename(sandbox.root), spec.id);
  });

  it('outlives the control plane, its Ctrl-C and its kill, and is never there twice', async () => {
    const spec = await sandbox.newSpec();
    await sandbox.compute.create(spec);
    const script = `
      import { createSandboxDriver } from ${JSON.stringify(new URL('./sandbox-driver.ts', import.meta.url).href)};
      const { options, spec } = JSON.parse(process.argv[1]);
      const { compute } = createSandboxDriver({ ...options, clock: { now: () => Date.now() } });
      await compute.describe();
      process.stdout.write('go\\n');
      await compute.start(spec);
      process.stdout.write('started\\n');
      setInterval(() => {}, 1000);`;
    const argument = JSON.stringify({ options: sandbox.options, spec });
    const delays = [0, 4, 8, 12, 20, 30, 45, 60, 90, 130, 200, 300];
    for (const delay of delays) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script, argument], {
        stdio: ['ignore', 'pipe', 'inherit'],
        detached: true,
      });
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, delay));
      // The whole process group, as a terminal does it.
      if (child.pid !== undefined) process.kill(-child.pid, delay % 2 === 0 ? 'SIGKILL' : 'SIGINT');
      await once(child, 'exit');
      const { compute } = sandbox.make();
      await Promise.all([compute.start(spec), compute.inspect(spec.id), compute.list()]);
      await answers(compute, spec);
      expect({ delay, machines: firstProcesses(directoryOf(spec.id)) }).toEqual({ delay, machines: 1 });
      expect((await run(compute, spec, 'echo fine')).output).toBe('fine');
      expect((await compute.list()).map((fact) => [fact.id, fact.state])).toEqual([[spec.id, 'running']]);
      if (delay % 3 === 0) await compute.stop(spec.id, { graceMs: 3000 });
      else await compute.delete(spec.id).then(() => compute.create(spec));
      await expectNothingLeft(path.basename(sandbox.root), spec.id);
    }
  });

  it('converges after a kill in the middle of a stop or a delete', async () => {
    const spec = await sandbox.newSpec();
    const script = `
      import { createSandboxDriver } from ${JSON.stringify(new URL('./sandbox-driver.ts', import.meta.url).href)};
      const { options, id, what } = JSON.parse(process.argv[1]);
      const { compute } = createSandboxDriver({ ...options, clock: { now: () => Date.now() } });
      process.stdout.write('go\\n');
      await (what === 'stop' ? compute.stop(id, { graceMs: 3000 }) : compute.delete(id));`;
    for (const what of ['stop', 'delete']) {
      for (const delay of [0, 3, 8, 15, 30]) {
        await sandbox.compute.create(spec);
        await sandbox.compute.start(spec);
        await answers(sandbox.compute, spec);
        const argument = JSON.stringify({ options: sandbox.options, id: spec.id, what });
        const child = spawn(process.execPath, ['--input-type=module', '-e', script, argument], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        await once(child.stdout, 'data');
        await new Promise((resolve) => setTimeout(resolve, delay));
        child.kill('SIGKILL');
        await once(child, 'exit');
        const { compute } = sandbox.make();
        await (what === 'stop' ? compute.stop(spec.id, { graceMs: 3000 }) : compute.delete(spec.id));
        expect(await compute.inspect(spec.id)).toMatchObject(
          what === 'stop' ? { id: spec.id, state: 'stopped', exit: null } : { id: spec.id, state: 'absent' },
        );
        await expectNothingLeft(path.basename(sandbox.root), spec.id);
      }
    }
  });

  it('keeps its log within bounds', async () => {
    const spec = await sandbox.startNew();
    const line = `${'x'.repeat(999)}\n`;
    for (let round = 0; round < 8; round += 1) await ask(sandbox.compute, spec, '/print', line.repeat(1000));
    await ask(sandbox.compute, spec, '/print', 'the last line\n');
    await eventually(async () => {
      expect(await sandbox.compute.logs(spec.id)).toMatch(/the last line\n$/);
    });
    const sizes = await Promise.all(
      ['log', 'log.old'].map(async (name) => (await fs.stat(path.join(directoryOf(spec.id), name))).size),
    );
    expect(sizes[0]! + sizes[1]!).toBeLessThan(5 * 2 ** 20);
    expect((await sandbox.compute.logs(spec.id)).length).toBeLessThan(70_000);
  });

  it('answers on a short socket path however deep the data directory is', async () => {
    const deep = path.join(sandbox.root, 'a'.repeat(90), 'b'.repeat(90));
    await fs.mkdir(deep, { recursive: true });
    const other = await createTestSandbox({ dataDirectory: deep });
    const spec = await other.startNew();
    const address = await other.compute.address(spec.id);
    const socketPath = address !== null && 'socketPath' in address ? address.socketPath : '';
    expect(socketPath.length).toBeLessThanOrEqual(100);
    expect((await run(other.compute, spec, 'echo fine')).output).toBe('fine');
    await other.dispose();
    await expect(fs.stat(path.dirname(socketPath))).rejects.toThrow('ENOENT');
  });

  it.skipIf(!isRoot)('sees its disk grow, while it runs where the host allows it', async () => {
    const spec = await sandbox.startNew();
    const size = async (): Promise<number> =>
      Number((await run(sandbox.compute, spec, 'df -B1 --output=size ~ | tail -1')).output);
    const before = await size();
    await run(sandbox.compute, spec, 'echo kept > ~/file');
    const allowed = await canGrowMounted();
    if (!allowed) console.warn('NOT TRIED: growing a mounted disk, since root has no CAP_SYS_RESOURCE here.');
    const answer = await sandbox.disks.resize(spec.diskId, 512 * 2 ** 20).then(
      () => 'grown',
      (error: unknown) => String(error),
    );
    expect(answer).toMatch(allowed ? /^grown$/ : /Pause the environment first/);
    expect((await size()) / before).toBeGreaterThan(allowed ? 1.7 : 0.99);
    expect((await run(sandbox.compute, spec, 'cat ~/file')).output).toBe('kept');
    const fact = await sandbox.disks.inspect(spec.diskId);
    expect(fact.state === 'ready' && fact.usedBytes !== null && fact.usedBytes > 0).toBe(true);
    await sandbox.compute.stop(spec.id, { graceMs: 5000 });
    await sandbox.disks.resize(spec.diskId, 768 * 2 ** 20);
    await sandbox.compute.start(spec);
    await answers(sandbox.compute, spec);
    expect(await size()).toBeGreaterThan(before * 2.5);
    expect((await run(sandbox.compute, spec, 'cat ~/file')).output).toBe('kept');
  });

  function firstProcesses(directory: string): number {
    return outsideProcesses(directory).filter((found) => found.namespacePids.length === 2).length;
  }

  async function expectNothingLeft(name: string, id: string): Promise<void> {
    expect(outsideProcesses(directoryOf(id))).toEqual([]);
    await eventually(async () => {
      expect(isRoot ? execFileSync('/usr/bin/env', ['losetup', '-a'], { encoding: 'utf8' }) : '').not.toContain(name);
      expect(await fs.readFile('/proc/self/mounts', 'utf8')).not.toContain(name);
      expect(groupsNamed(id)).toEqual([]);
    });
  }
});

function groupsNamed(id: string): string[] {
  try {
    return readdirSync('/sys/fs/cgroup', { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith(`-${id}`),
    );
  } catch {
    return [];
  }
}
