import { expect, test } from 'vitest';
import { presetsFor } from './presets.ts';

const defaults = { cpus: 1, memoryGiB: 4, diskGiB: 50, bootDiskGiB: 50, autopauseMinutes: 30, sleepMinutes: 10 };

test.each([
  ['a large machine', 16, 64, ['Small 1/4', 'Medium 2/8', 'Large 4/16']],
  ['a laptop: what is the same as a smaller one is left out', 2, 7.6, ['Small 1/4', 'Medium 2/7']],
  ['a tiny one has one shape', 1, 4, ['Small 1/4']],
  ['more memory alone is larger too', 1, 12.5, ['Small 1/4', 'Medium 1/8', 'Large 1/12']],
])('presets on %s', (_, maxCpus, maxMemoryGiB, expected) => {
  const presets = presetsFor({ maxCpus, maxMemoryGiB, defaults });
  expect(presets.map(({ name, cpus, memoryGiB }) => `${name} ${String(cpus)}/${String(memoryGiB)}`)).toEqual(expected);
});
