import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findCgroups } from './cgroups.ts';

/** A tree of plain files laid out as the kernel does it; what is written can be read back. */
describe('control groups', () => {
  let root = '';
  const limits = { cpus: 1.5, memoryBytes: 1024, processes: 10 };
  const lay = async (files: Record<string, string>): Promise<void> => {
    for (const [name, text] of Object.entries(files)) {
      await fs.mkdir(path.dirname(path.join(root, name)), { recursive: true });
      await fs.writeFile(path.join(root, name), text);
    }
  };
  const read = (name: string): Promise<string> => fs.readFile(path.join(root, name), 'utf8');

  beforeEach(async () => {
    root = await fs.mkdtemp(path.join(os.tmpdir(), 'terrarium-groups-'));
  });
  afterEach(async () => {
    await fs.rm(root, { recursive: true });
  });

  it('of version 2 are made beside the one that Terrarium runs in', async () => {
    const offered = 'cpuset cpu io memory pids\n';
    await lay({
      'proc/self/cgroup': '0::/system.slice/terrarium.service\n',
      'proc/self/mountinfo': '30 20 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n',
      'sys/fs/cgroup/system.slice/cgroup.controllers': offered,
      'sys/fs/cgroup/system.slice/cgroup.subtree_control': 'memory pids',
      // The kernel makes these files with each group; here they have to be there beforehand.
      'sys/fs/cgroup/system.slice/t/cgroup.controllers': offered,
      'sys/fs/cgroup/system.slice/t/cgroup.procs': '',
      'sys/fs/cgroup/system.slice/t/t-m1/cgroup.procs': '',
    });
    const groups = findCgroups('t', { root });
    expect(groups.missing).toEqual([]);
    const made = groups.make('m1', limits);
    const place = 'sys/fs/cgroup/system.slice/t/t-m1';
    expect(made.directories).toEqual([path.join(root, place)]);
    expect(made.view).toEqual([{ outside: path.join(root, place), inside: '/sys/fs/cgroup' }]);
    expect(made.memoryEvents).toBe(path.join(root, place, 'memory.events'));
    expect(await read(`${place}/memory.max`)).toBe('1024');
    expect(await read(`${place}/cpu.max`)).toBe('150000 100000');
    expect(await read(`${place}/pids.max`)).toBe('10');
    expect(await read('sys/fs/cgroup/system.slice/cgroup.subtree_control')).toBe('+memory +cpu +pids');
  });

  it('of version 1 are made below the one that Terrarium runs in, one for each controller', async () => {
    await lay({
      'proc/self/cgroup': '4:memory:/service\n3:cpu,cpuacct:/service\n2:pids:/elsewhere\n',
      'proc/self/mountinfo': [
        '31 20 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
        '32 20 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
        '33 20 0:29 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids',
      ].join('\n'),
      'sys/fs/cgroup/memory/service/cgroup.procs': '',
      'sys/fs/cgroup/cpu,cpuacct/service/cgroup.procs': '',
      'sys/fs/cgroup/pids/cgroup.procs': '',
    });
    const groups = findCgroups('t', { root });
    expect(groups.missing).toEqual([]);
    groups.make('m1', limits);
    expect(await read('sys/fs/cgroup/memory/service/t-m1/memory.limit_in_bytes')).toBe('1024');
    expect(await read('sys/fs/cgroup/cpu,cpuacct/service/t-m1/cpu.cfs_quota_us')).toBe('150000');
    expect(await read('sys/fs/cgroup/pids/t-m1/pids.max')).toBe('10');
  });

  it('that cannot be made are all missing, and a machine runs without', async () => {
    await lay({ 'proc/self/cgroup': '0::/\n', 'proc/self/mountinfo': '' });
    const groups = findCgroups('t', { root });
    expect(groups.missing).toEqual(['memory', 'cpu', 'pids']);
    expect(groups.make('m1', limits)).toEqual({ directories: [], view: [], memoryEvents: null });
  });
});
