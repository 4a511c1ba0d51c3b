import { execFileSync } from 'node:child_process';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeSandbox } from './description.ts';
import { exitReason } from './exit-reason.ts';
import { readKernelsManifest } from './kernels-manifest.ts';
import { quote } from './launch-script.ts';
import { isWithin } from './view.ts';

describe('the reason why a machine ended', () => {
  const facts = { hostRestarted: false, exitCode: null, outOfMemoryKills: 0, memoryBytes: 4 * 2 ** 30 };
  it.each([
    [{ ...facts, hostRestarted: true, exitCode: 1 }, 'The host was restarted.'],
    [{ ...facts, exitCode: 137, outOfMemoryKills: 2 }, 'It ran out of memory (4 GiB) and was ended.'],
    [{ ...facts, exitCode: 137 }, 'It was ended by SIGKILL.'],
    [{ ...facts, exitCode: 0, outOfMemoryKills: 1 }, 'Its agent ended by itself.'],
    [{ ...facts, exitCode: 7 }, 'Its agent failed with exit code 7; its log says more.'],
    [facts, 'Its processes ended without leaving a reason.'],
  ])('%j', (given, expected) => {
    expect(exitReason(given)).toBe(expected);
  });
});

describe('quoting for the shell', () => {
  it('gives back any text as it was', () => {
    const text = fc
      .string({ unit: 'binary', maxLength: 30 })
      .filter((each) => !each.includes('\0') && each.isWellFormed());
    fc.assert(
      fc.property(text, (each) => {
        expect(execFileSync('/bin/sh', ['-c', `printf %s ${quote(each)}`], { encoding: 'utf8' })).toBe(each);
      }),
      { numRuns: 50 },
    );
  });
});

describe('being within a directory', () => {
  it.each([
    ['/usr/local', '/usr', true],
    ['/usr', '/usr', true],
    ['/usrlocal', '/usr', false],
    ['/', '/usr', false],
    ['/usr/..data', '/usr', true],
  ])('%s in %s: %j', (place, directory, expected) => {
    expect(isWithin(place, directory)).toBe(expected);
  });
});

describe('what the sandbox says of itself', () => {
  const plain = { isolation: 'plain', images: false, bubblewrapProblem: 'it is not installed', isRoot: false } as const;
  const nothing = {
    agentBundle: '/nonexistent/agent',
    nodeBinary: '/nonexistent/node',
    kernelsManifest: '/nonexistent/kernels.json',
  };
  const noGroups = {
    missing: ['memory', 'cpu', 'pids'] as const,
    directoriesOf: () => [],
    make: () => ({ directories: [], view: [], memoryEvents: null }),
  };

  it('is a sentence with the next step for each thing that is weaker', async () => {
    const { notes, images } = await describeSandbox(nothing, plain, noGroups);
    expect(notes.some((note) => note.includes('apt install bubblewrap'))).toBe(true);
    expect(notes.some((note) => note.includes('without root'))).toBe(true);
    expect(notes.some((note) => note.includes('memory, CPU, number of processes'))).toBe(true);
    expect(notes.some((note) => note.includes('no Python kernel'))).toBe(true);
    expect(notes.some((note) => note.includes('no R kernel'))).toBe(true);
    expect(images[0]?.kernels).toEqual([]);
  });

  it('refuses a damaged list of kernels with a sentence, and one that leaves its place', async () => {
    const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'terrarium-manifest-'));
    const file = path.join(directory, 'kernels.json');
    const good = { directories: ['/opt/x'], kernelspecDirectories: [], kernels: [], packages: [], notes: [] };
    await fs.writeFile(file, JSON.stringify(good));
    expect(await readKernelsManifest(file)).toEqual(good);
    for (const text of [
      '{',
      JSON.stringify({ ...good, directories: ['/opt/../root'] }),
      JSON.stringify({ ...good, directories: ['x'] }),
    ]) {
      await fs.writeFile(file, text);
      await expect(readKernelsManifest(file)).rejects.toThrow(/Run npm start again/);
    }
    await fs.rm(directory, { recursive: true });
  });
});
