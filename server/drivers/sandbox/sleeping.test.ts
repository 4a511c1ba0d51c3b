import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MachineSpec } from '../../environments/compute-driver.ts';
import { Launch, readJson, machinePaths } from './machine-files.ts';
import { outsideProcesses, restingProcesses } from './machine-processes.ts';
import { readProcess, signal } from './processes.ts';
import type { SandboxOptions } from './sandbox-driver.ts';
import { answers, ask, createTestSandbox, run, type TestSandbox } from './testing/machines.ts';

const flavours: { name: string; without: NonNullable<SandboxOptions['without']> }[] = [
  { name: 'by the best that this host has', without: [] },
  { name: 'by the freezer of version 1', without: ['unified-groups'] },
  { name: 'by signals', without: ['unified-groups', 'freezer-groups'] },
  { name: 'by signals, without bubblewrap', without: ['bubblewrap', 'unified-groups', 'freezer-groups'] },
];

describe.each(flavours)('a machine that is put to sleep $name', ({ without }) => {
  let sandbox: TestSandbox;
  let spec: MachineSpec;
  const paths = () => machinePaths(path.join(sandbox.root, 'machines'), spec.id);
  const processes = async () => {
    const first = readProcess(await sandbox.firstPid(spec.id));
    return first === null ? [] : restingProcesses(paths().directory, first);
  };

  beforeAll(async () => {
    sandbox = await createTestSandbox({ without });
  });
  beforeEach(async () => {
    spec = await sandbox.startNew();
  });
  afterEach(async () => {
    await sandbox.compute.delete(spec.id);
  });
  afterAll(async () => {
    await sandbox.dispose();
  });

  it('uses no processor time, answers nothing, and goes on where it was', async () => {
    await run(
      sandbox.compute,
      spec,
      '(i=0; while :; do i=$((i+1)); done) </dev/null >/dev/null 2>&1 & echo $! > ~/busy',
    );
    await run(sandbox.compute, spec, '(setsid sh -c "while :; do :; done" &) </dev/null >/dev/null 2>&1');
    await sandbox.compute.sleep(spec.id);
    const resting = await processes();
    expect(resting.length).toBeGreaterThanOrEqual(3);
    const before = resting.map((one) => processorTicks(one.pid));
    const question = ask(sandbox.compute, spec, '/agent/health');
    let isAnswered = false;
    void question.then(() => {
      isAnswered = true;
    });
    for (let round = 0; round < 100; round++) await sandbox.compute.inspect(spec.id);
    expect(resting.map((one) => processorTicks(one.pid))).toEqual(before);
    expect(isAnswered).toBe(false);
    await sandbox.compute.wake(spec.id);
    await question;
    expect(await run(sandbox.compute, spec, 'kill -0 $(cat ~/busy) && echo busy')).toEqual({ code: 0, output: 'busy' });
    expect((await processes()).every((one) => !one.isStopped)).toBe(true);
  });

  it('keeps being asked to end before it is ended', async () => {
    await sandbox.compute.sleep(spec.id);
    await sandbox.compute.stop(spec.id, { graceMs: 5000 });
    expect(await sandbox.compute.logs(spec.id)).toContain('asked to end');
  });

  it('is what its processes say it is, whatever was noted', async () => {
    await sandbox.compute.sleep(spec.id);
    await letGoByHand();
    expect((await sandbox.compute.inspect(spec.id)).state).toBe('running');
    await fs.rm(paths().asleep);
    await sandbox.compute.sleep(spec.id);
    await fs.rm(paths().asleep);
    const found = await sandbox.compute.inspect(spec.id);
    expect(found.state).toBe('asleep');
    expect(await sandbox.make().compute.inspect(spec.id)).toEqual(found);
    await sandbox.compute.wake(spec.id);
    await answers(sandbox.compute, spec);
  });

  it('is ended by a delete when its directory is gone', async () => {
    await sandbox.compute.sleep(spec.id);
    await fs.rename(paths().directory, path.join(sandbox.root, `lost-${spec.id}`));
    expect((await sandbox.compute.list()).map((fact) => fact.id)).toEqual([spec.id]);
    await sandbox.compute.delete(spec.id);
    expect(outsideProcesses(paths().directory)).toEqual([]);
    expect(await sandbox.compute.list()).toEqual([]);
  });

  it('is found by a new control plane after the old one was killed in the middle', async () => {
    const script = `
      import { createSandboxDriver } from ${JSON.stringify(new URL('./sandbox-driver.ts', import.meta.url).href)};
      const { options, id } = JSON.parse(process.argv[1]);
      const { compute } = createSandboxDriver({ ...options, clock: { now: () => Date.now() } });
      process.stdout.write('go\\n');
      for (;;) {
        await compute.sleep(id);
        await compute.wake(id);
      }`;
    const argument = JSON.stringify({ options: sandbox.options, id: spec.id });
    for (const delay of [0, 3, 11, 40]) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script, argument], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, delay));
      child.kill('SIGKILL');
      await once(child, 'exit');
      const { compute } = sandbox.make();
      const { state } = await compute.inspect(spec.id);
      expect(['running', 'asleep']).toContain(state);
      if (state === 'asleep') await compute.wake(spec.id);
      else await compute.sleep(spec.id).then(() => compute.wake(spec.id));
      expect((await compute.inspect(spec.id)).state).toBe('running');
      expect((await processes()).every((one) => !one.isStopped)).toBe(true);
      expect((await run(compute, spec, 'echo fine')).output).toBe('fine');
    }
  });

  async function letGoByHand(): Promise<void> {
    const launch = await readJson(paths().launch, Launch);
    for (const group of launch?.cgroups ?? []) {
      for (const [file, text] of [
        ['cgroup.freeze', '0'],
        ['freezer.state', 'THAWED'],
      ] as const) {
        // Not made where it is not: the kernel has it or it has not.
        await fs.writeFile(path.join(group, file), text, { flag: 'r+' }).catch(() => undefined);
      }
    }
    for (const one of await processes()) signal(one, 'SIGCONT');
  }
});

/** Ticks that a process and its threads have run. proc_pid_stat(5) */
function processorTicks(pid: number): number {
  const text = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
