import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../testing/test-agent.ts';
import { DiskMeter } from './disk-use.ts';

const mebibyte = 2 ** 20;
let home: string;

beforeEach(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'disk-use-'));
});

afterEach(() => rm(home, { recursive: true, force: true }));

test('a disk that is a file system is as full as that says', async () => {
  const use = await new DiskMeter(home, null).look();
  expect(use?.totalBytes).toBeGreaterThan(use?.usedBytes ?? Infinity);
});

test('a folder that nothing holds to its size is counted, and may be more than full', async () => {
  await writeFile(path.join(home, 'large'), Buffer.alloc(3 * mebibyte, 1));
  const meter = new DiskMeter(home, 2 * mebibyte);
  expect(await meter.look()).toBeNull();
  const use = await until(() => meter.look(), 'it to be counted');
  expect(use.totalBytes).toBe(2 * mebibyte);
  expect(use.usedBytes).toBeGreaterThanOrEqual(3 * mebibyte);
  expect(use.usedBytes).toBeLessThan(4 * mebibyte);
});
