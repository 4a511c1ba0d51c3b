import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MachineSpec } from '../../environments/compute-driver.ts';
import { findAbilities } from './abilities.ts';
import { insideUser } from './inside.ts';
import { answers, createTestSandbox, eventually, run, type TestSandbox } from './testing/machines.ts';

const isRoot = process.getuid?.() === 0;
const { isolation, bubblewrapProblem } = await findAbilities(os.tmpdir(), {});
if (isolation === 'plain') {
  console.warn(
    `SKIPPED: machines are not separated here, since bubblewrap cannot be used: ${bubblewrapProblem ?? ''}.`,
  );
}

describe.skipIf(isolation === 'plain').each([
  { name: 'with sized disks', without: [] },
  { name: 'with plain folders as disks', without: ['images'] },
] as const)('two machines side by side, $name', ({ without }) => {
  let sandbox: TestSandbox;
  let mine: MachineSpec;
  let theirs: MachineSpec;
  const inMine = async (script: string) => run(sandbox.compute, mine, script);

  beforeAll(async () => {
    sandbox = await createTestSandbox({ without, processLimit: 64 });
    mine = await sandbox.startNew();
    theirs = await sandbox.startNew();
    await run(
      sandbox.compute,
      theirs,
      'echo secret > ~/theirs; echo secret > /tmp/theirs; sleep 1000 </dev/null >/dev/null 2>&1 &',
    );
  });
  afterAll(async () => {
    await sandbox.dispose();
  });

  it('run as an ordinary user with a home of its own and no privilege', async () => {
    expect((await inMine('whoami; echo $HOME; pwd; hostname; id -u; id -G')).output.split('\n')).toEqual([
      insideUser.name,
      '/home/jupyter',
      '/home/jupyter',
      mine.id,
      String(insideUser.uid),
      String(insideUser.gid),
    ]);
    const status = (await inMine('grep -E "^(Cap(Prm|Eff|Inh|Amb)|NoNewPrivs)" /proc/self/status')).output;
    expect(status).toMatch(/NoNewPrivs:\s+1/);
    for (const set of ['Prm', 'Eff', 'Inh', 'Amb'])
      expect(status).toMatch(new RegExp(`Cap${set}:\\s+0000000000000000`));
    expect((await inMine('ls -A ~')).output).toBe('');
  });

  it('see none of each other’s processes, and cannot end them', async () => {
    const seen = (await inMine('cat /proc/[0-9]*/cmdline | tr "\\0" " "')).output;
    expect(seen).not.toContain('sleep 1000');
    expect(seen).not.toContain(theirs.id);
    expect(Number((await inMine('ls -d /proc/[0-9]* | wc -l')).output)).toBeLessThan(10);
    const first = await sandbox.firstPid(theirs.id);
    expect((await inMine(`kill -9 ${String(first)}`)).code).not.toBe(0);
    await inMine('kill -9 1');
    expect((await sandbox.compute.inspect(mine.id)).state).toBe('running');
    await inMine('kill -9 -1').catch(() => undefined);
    expect((await sandbox.compute.inspect(theirs.id)).state).toBe('running');
    await restartMine();
  });

  /** Killing every process of one's own ends one's own agent, as it should. */
  async function restartMine(): Promise<void> {
    await eventually(async () => {
      expect((await sandbox.compute.inspect(mine.id)).state).toBe('stopped');
    });
    await sandbox.compute.start(mine);
    await answers(sandbox.compute, mine);
  }

  it('see none of each other’s files, sockets or secrets, nor the data directory, nor other people’s homes', async () => {
    expect((await inMine('ls ~/theirs /tmp/theirs')).code).not.toBe(0);
    for (const place of [
      sandbox.root,
      '/root/.ssh',
      '/etc/shadow',
      '/etc/ssh',
      '/etc/gshadow',
      '/etc/sudoers',
      '/var/lib/dpkg',
      '/boot',
    ]) {
      expect({ place, seen: (await inMine(`ls -d '${place}'`)).code === 0 }).toEqual({ place, seen: false });
    }
    expect((await inMine('ls /home')).output).toBe('jupyter');
    const theirSocket = await sandbox.compute.address(theirs.id);
    const text = (
      await inMine(`cat /proc/self/mountinfo /proc/1/cmdline /proc/net/unix; ls /run /run/terrarium/socket`)
    ).output;
    expect(text).not.toContain(theirs.id);
    expect(theirSocket).not.toBeNull();
    expect((await inMine('cat /proc/1/root/etc/shadow')).code).not.toBe(0);
    expect((await inMine('env')).output).not.toContain(mine.agent.secret);
  });

  it('cannot write to what belongs to the host', async () => {
    for (const place of [
      '/usr/bin',
      '/etc',
      '/',
      '/bin',
      '/run',
      '/run/terrarium',
      '/run/terrarium/agent',
      '/sys',
      '/dev',
      '/usr/share',
    ]) {
      expect({ place, written: (await inMine(`touch ${place}/planted`)).code === 0 }).toEqual({
        place,
        written: false,
      });
    }
    expect((await inMine('mount -t tmpfs none /mnt')).code).not.toBe(0);
    expect((await inMine('echo 1 > /proc/sys/kernel/sysrq')).code).not.toBe(0);
  });

  it('keep boot-disk files over a stop and lose them with a deletion; the disk keeps its own', async () => {
    const folders = ['/tmp', '/var/tmp', '/opt', '/srv', '/mnt', '/usr/local/bin', '/home/jupyter'].filter(
      (folder) => isRoot || folder !== '/usr/local/bin',
    );
    for (const folder of folders) expect((await inMine(`echo kept > ${folder}/file`)).output).toBe('');
    await sandbox.compute.stop(mine.id, { graceMs: 5000 });
    await sandbox.compute.start(mine);
    await answers(sandbox.compute, mine);
    for (const folder of folders) {
      expect({ folder, ...(await inMine(`cat ${folder}/file`)) }).toEqual({ folder, code: 0, output: 'kept' });
    }
    await sandbox.compute.delete(mine.id);
    await sandbox.compute.create(mine);
    await sandbox.compute.start(mine);
    await answers(sandbox.compute, mine);
    for (const folder of folders) {
      const { code } = await inMine(`cat ${folder}/file`);
      expect({ folder, kept: code === 0 }).toEqual({ folder, kept: folder === '/home/jupyter' });
    }
  });

  it('follow links on the disk no further than they see', async () => {
    await inMine(
      `ln -sf /etc/shadow ~/shadow; ln -sfn ${sandbox.root} ~/data; ln -sfn /proc/1/root ~/root; ln -sfn / ~/slash`,
    );
    for (const link of ['shadow', 'data/machines', 'root/etc/shadow', 'root/root/.ssh', 'slash/root/.ssh']) {
      const { code } = await inMine(`ls ~/${link}/ || cat ~/${link}`);
      expect({ link, seen: code === 0 }).toEqual({ link, seen: false });
    }
  });

  it.skipIf(!isRoot || without.length === 0)('get nothing from a set-user-id program', async () => {
    const planted = path.join(sandbox.root, 'disks', `${mine.diskId}.dir`, 'become');
    await fs.copyFile('/usr/bin/id', planted);
    await fs.chown(planted, 0, 0);
    await fs.chmod(planted, 0o4755);
    expect((await inMine('~/become -u')).output).toBe(String(insideUser.uid));
  });

  it.skipIf(!isRoot)('stay within their number of processes', async () => {
    const script = 'i=0; while [ $i -lt 200 ]; do sleep 3 & i=$((i+1)); done 2>/dev/null; ls -d /proc/[0-9]* | wc -l';
    const bomb = await inMine(`sh -c '${script}' ; true`);
    const count = bomb.output.split('\n').at(-1) ?? '';
    expect(count === '' || Number.isNaN(Number(count)) || Number(count) <= 64).toBe(true);
    expect((await sandbox.compute.inspect(theirs.id)).state).toBe('running');
    expect((await run(sandbox.compute, theirs, 'echo fine')).output).toBe('fine');
    await eventually(async () => {
      expect((await inMine('echo fine')).output).toBe('fine');
    });
  });

  it.skipIf(!isRoot)('lose a process that wants too much memory, and only that one', async () => {
    const result = await inMine('/run/terrarium/node -e "const kept = []; for (;;) kept.push(Buffer.alloc(2**24, 1))"');
    expect(['SIGKILL', 137, '137']).toContain(result.code);
    expect((await sandbox.compute.inspect(mine.id)).state).toBe('running');
    const seen = await inMine(
      'cat /sys/fs/cgroup/memory/memory.oom_control /sys/fs/cgroup/memory.events 2>/dev/null | grep oom_kill',
    );
    expect(seen.output).toMatch(/oom_kill [1-9]/);
  });

  it.skipIf(!isRoot || without.length > 0)('have no more room than their disk', async () => {
    const filled = await inMine('dd if=/dev/zero of=$HOME/big bs=1M count=400 2>&1; rm ~/big');
    expect(filled.output).toMatch(/No space left/);
  });
});
