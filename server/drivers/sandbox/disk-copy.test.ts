import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MachineSpec } from '../../environments/compute-driver.ts';
import { createTestSandbox, eventually, run, type TestSandbox } from './testing/machines.ts';

const isRoot = process.getuid?.() === 0;
const mebibyte = 2 ** 20;

// Writes the same number to one file and then to the other, without end.
const writer = `i=0; while :; do i=$((i+1)); echo $i > ~/first.new; mv ~/first.new ~/first; echo $i > ~/second.new; mv ~/second.new ~/second; done`;

describe.skipIf(!isRoot).each([
  { name: 'an image', without: [] },
  { name: 'a folder', without: ['images'] },
] as const)('a disk that is $name and in use', ({ without }) => {
  let sandbox: TestSandbox;
  let spec: MachineSpec;
  const inside = (script: string) => run(sandbox.compute, spec, script);
  const numberIn = async (file: string): Promise<number> =>
    Number((await inside(`cat ~/${file} 2>/dev/null || echo 0`)).output);
  const goesOn = async (): Promise<void> => {
    const before = await numberIn('second');
    await eventually(async () => {
      expect(await numberIn('second')).toBeGreaterThan(before);
    });
  };

  beforeEach(async () => {
    sandbox = await createTestSandbox({ without });
    spec = await sandbox.startNew();
    await inside(`(sh -c '${writer}' &) </dev/null >/dev/null 2>&1`);
    await goesOn();
  });
  afterEach(async () => {
    await sandbox.dispose();
  });

  it('is copied as it was at one moment, and its machine goes on', async () => {
    const before = await sandbox.compute.inspect(spec.id);
    for (const id of ['one', 'two', 'three']) {
      const least = await numberIn('first');
      await sandbox.disks.create({ id, sizeBytes: 384 * mebibyte, copyOf: spec.diskId });
      expect(await sandbox.compute.inspect(spec.id)).toEqual(before);
      await goesOn();
      const copy = await sandbox.startNew({ diskId: id });
      const { output } = await run(sandbox.compute, copy, 'cat ~/first ~/second; stat -c %U ~ ~/first | sort -u');
      const [first, second, owner] = output.split('\n');
      expect(Number(first)).toBeGreaterThanOrEqual(least);
      expect(Number(first) - Number(second)).toBeOneOf([0, 1]);
      expect(owner).toBe('jupyter');
      await sandbox.compute.delete(copy.id);
    }
  });

  it('is copied while its machine sleeps, and the machine goes on sleeping', async () => {
    await sandbox.compute.sleep(spec.id);
    const before = await sandbox.compute.inspect(spec.id);
    await sandbox.disks.create({ id: 'copy', sizeBytes: mebibyte, copyOf: spec.diskId });
    expect(await sandbox.compute.inspect(spec.id)).toEqual(before);
    await sandbox.compute.wake(spec.id);
    await goesOn();
  });

  it('can be written to again after a control plane was killed in the middle of a copy', async () => {
    await inside('head -c 100M /dev/urandom > ~/large');
    const script = `
      import { createSandboxDriver } from ${JSON.stringify(new URL('./sandbox-driver.ts', import.meta.url).href)};
      const { options, copyOf } = JSON.parse(process.argv[1]);
      const { disks } = createSandboxDriver({ ...options, clock: { now: () => Date.now() } });
      await disks.describe();
      process.stdout.write('go\\n');
      await disks.create({ id: 'copy', sizeBytes: 2 ** 20, copyOf });`;
    const argument = JSON.stringify({ options: sandbox.options, copyOf: spec.diskId });
    for (const delay of [5, 15, 40, 100]) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script, argument], {
        stdio: ['ignore', 'pipe', 'inherit'],
        detached: true,
      });
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, delay));
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await once(child, 'exit');
      const { compute, disks } = sandbox.make();
      if ((await compute.inspect(spec.id)).state === 'asleep') await compute.wake(spec.id);
      await goesOn();
      await eventually(() => disks.create({ id: 'copy', sizeBytes: mebibyte, copyOf: spec.diskId }));
      await goesOn();
      await disks.delete('copy');
    }
    await sandbox.make().disks.describe();
    const endings = without.length === 0 ? ['img', 'json', 'lock'] : ['dir', 'json', 'lock'];
    expect((await fs.readdir(path.join(sandbox.root, 'disks'))).toSorted()).toEqual(
      endings.map((ending) => `${spec.diskId}.${ending}`),
    );
  });
});

it.skipIf(!isRoot)('a copied image takes as much room as is in it, and is sound', async () => {
  const sandbox = await createTestSandbox();
  try {
    await sandbox.disks.create({ id: 'source', sizeBytes: 2048 * mebibyte });
    await sandbox.disks.create({ id: 'copy', sizeBytes: 4096 * mebibyte, copyOf: 'source' });
    const image = path.join(sandbox.root, 'disks', 'copy.img');
    const { size, blocks } = await fs.stat(image);
    expect(size).toBe(4096 * mebibyte);
    expect(blocks * 512).toBeLessThan(200 * mebibyte);
    execFileSync('/usr/bin/env', ['e2fsck', '-f', '-n', image], { stdio: 'ignore' });
  } finally {
    await sandbox.dispose();
  }
});
