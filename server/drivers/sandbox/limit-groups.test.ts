import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { limitGroups } from './limit-groups.ts';
import { ask, createTestSandbox, eventually, run } from './testing/machines.ts';

const mebibyte = 2 ** 20;
const isRoot = process.getuid?.() === 0;

describe('limits of groups of version 2, laid out in plain files', () => {
  let group = '';
  const read = (name: string): Promise<string> => fs.readFile(path.join(group, name), 'utf8');
  beforeEach(async () => {
    group = await fs.mkdtemp(path.join(os.tmpdir(), 'terrarium-limits-'));
    const files = { 'memory.max': '1024', 'memory.high': 'max', 'memory.current': '600', 'cpu.max': '100000 100000' };
    for (const [name, text] of Object.entries(files)) await fs.writeFile(path.join(group, name), text);
  });
  afterEach(async () => {
    await fs.rm(group, { recursive: true });
  });

  it('change when what is used fits', async () => {
    await limitGroups([group], { cpus: 0.5, memoryBytes: 700 });
    expect([await read('memory.max'), await read('memory.high'), await read('cpu.max')]).toEqual([
      '700',
      'max',
      '50000 100000',
    ]);
  });

  it('stay when it does not, since the kernel would end processes', async () => {
    await expect(limitGroups([group], { cpus: 0.5, memoryBytes: 500 })).rejects.toMatchObject({
      code: 'NotPossibleNow',
    });
    expect([await read('memory.max'), await read('memory.high'), await read('cpu.max')]).toEqual([
      '1024',
      'max',
      '100000 100000',
    ]);
  });
});

it('cannot change where there are no groups', async () => {
  await expect(limitGroups([], { cpus: 1, memoryBytes: mebibyte })).rejects.toMatchObject({ code: 'NotPossibleNow' });
});

describe.skipIf(!isRoot)('a machine that is given other limits', () => {
  it('keeps them, is refused less than it uses, and ends for want of what it has now', async () => {
    const sandbox = await createTestSandbox();
    try {
      const spec = await sandbox.startNew({ memoryBytes: 512 * mebibyte });
      const { id } = spec;
      const inside = (script: string) => run(sandbox.compute, spec, script);
      const memoryLimit = async (): Promise<number> =>
        Number(
          (await inside('cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null'))
            .output,
        );
      const hold = '/run/terrarium/node -e "kept = Buffer.alloc(200 * 2 ** 20, 1); setInterval(() => {}, 1e6)"';
      await inside(`${hold} </dev/null >/dev/null 2>&1 & echo $! > ~/holder`);
      await eventually(async () => {
        const { output } = await inside('grep VmRSS /proc/$(cat ~/holder)/status');
        expect(Number(/\d+/.exec(output)?.[0])).toBeGreaterThan(200 * 1024);
      });
      await expect(sandbox.compute.limit(id, { cpus: 1, memoryBytes: 128 * mebibyte })).rejects.toThrow(
        /^It uses 0\.\d+ GiB of memory now, more than the 0\.13 GiB asked for\./,
      );
      expect(await memoryLimit()).toBe(512 * mebibyte);
      expect((await inside('kill -0 $(cat ~/holder) && echo kept')).output).toBe('kept');
      await sandbox.compute.limit(id, { cpus: 0.5, memoryBytes: 384 * mebibyte });
      expect(await memoryLimit()).toBe(384 * mebibyte);
      await inside('kill $(cat ~/holder)');
      await ask(sandbox.compute, spec, '/hog').catch(() => undefined);
      await eventually(async () => {
        expect(await sandbox.compute.inspect(id)).toMatchObject({
          state: 'stopped',
          exit: 'It ran out of memory (0.4 GiB) and was ended.',
        });
      });
    } finally {
      await sandbox.dispose();
    }
  });
});
