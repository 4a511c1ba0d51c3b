import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readGroup } from './cgroup.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'cgroup-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function files(contents: Record<string, string>): void {
  for (const [file, text] of Object.entries(contents)) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  }
}
const nothing = { cpuMicroseconds: null, memoryBytes: null, memoryLimitBytes: null, memoryPeakBytes: null };

test('v2: memory without the cache that can be dropped, the limit, the CPU time', () => {
  files({
    'a/b/memory.current': '1000\n',
    'a/b/memory.max': '5000\n',
    'a/b/memory.peak': '4900\n',
    'a/b/memory.stat': 'anon 1\ninactive_file 300\n',
    'a/b/cpu.stat': 'usage_usec 77\nuser_usec 1\n',
  });
  expect(readGroup('0::/a/b\n', root)).toEqual({
    cpuMicroseconds: 77,
    memoryBytes: 700,
    memoryLimitBytes: 5000,
    memoryPeakBytes: 4900,
  });
});

test('v2 without a limit, and the root of the machine, which has no memory.current', () => {
  files({ 'a/memory.current': '1000\n', 'a/memory.max': 'max\n' });
  expect(readGroup('0::/a\n', root)).toEqual({ ...nothing, memoryBytes: 1000 });
  expect(readGroup('0::/\n', root)).toEqual(nothing);
});

test('v1 with a limit of ours; CPU time only from a group of the same name', () => {
  files({
    'memory/e/memory.limit_in_bytes': '5000\n',
    'memory/e/memory.usage_in_bytes': '1000\n',
    'memory/e/memory.max_usage_in_bytes': '4900\n',
    'memory/e/memory.stat': 'total_inactive_file 100\n',
    'cpuacct/e/cpuacct.usage': '9000\n',
    'cpuacct/cpuacct.usage': '999999999\n',
  });
  const usage = { memoryBytes: 900, memoryLimitBytes: 5000, memoryPeakBytes: 4900 };
  expect(readGroup('4:memory:/e\n3:cpu,cpuacct:/e\n', root)).toEqual({ ...usage, cpuMicroseconds: 9 });
  expect(readGroup('4:memory:/e\n3:cpu,cpuacct:/\n', root)).toEqual({ ...usage, cpuMicroseconds: null });
});

test('v1 without a limit is a group shared with others, and says nothing about us', () => {
  files({ 'memory/memory.limit_in_bytes': '9223372036854771712\n', 'memory/memory.usage_in_bytes': '1000\n' });
  expect(readGroup('4:memory:/\n', root)).toEqual(nothing);
  expect(readGroup('', root)).toEqual(nothing);
});
