import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { AgentNotebooks } from '@terrarium/contract/agent';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestAgent, until, type Answer, type TestAgent } from '../testing/test-agent.ts';

let agent: TestAgent;
let root: string;

beforeEach(async () => {
  agent = await startTestAgent();
  root = path.join(agent.home, 'notebooks');
});
afterEach(async () => {
  await agent[Symbol.asyncDispose]();
});

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
const at = (name: string): string => path.join(root, name);
const read = (name: string): string => readFileSync(at(name), 'utf8');

async function list(query = ''): Promise<AgentNotebooks> {
  return (await agent.call('GET', `/agent/mirror/list${query}`)).json as AgentNotebooks;
}
/** The list once everything has come to rest. */
const settled = (): Promise<AgentNotebooks> =>
  until(async () => {
    const found = await list();
    return found.settling.length === 0 ? found : null;
  }, 'files to settle');
const put = (name: string, text: string, headers: Record<string, string>): Promise<Answer> =>
  agent.call('PUT', `/agent/mirror/file/${encodeURIComponent(name)}`, Buffer.from(text), headers);
const remove = (name: string, hash: string): Promise<Answer> =>
  agent.call('DELETE', `/agent/mirror/file/${encodeURIComponent(name)}`, undefined, { 'if-match': `"${hash}"` });
const absent = { 'if-none-match': '*' };
const over = (text: string): Record<string, string> => ({ 'if-match': `"${sha(text)}"` });

test('lists notebooks of all folders by hash, and nothing else', async () => {
  mkdirSync(at('deep/er'), { recursive: true });
  mkdirSync(at('.ipynb_checkpoints'));
  mkdirSync(at('folder.ipynb'));
  writeFileSync(at('a.ipynb'), 'a');
  writeFileSync(at('deep/er/ü ?#%.ipynb'), 'bb');
  writeFileSync(at('.ipynb_checkpoints/a.ipynb'), 'hidden');
  writeFileSync(at('.hidden.ipynb'), 'hidden');
  writeFileSync(at('data.csv'), '1');
  expect(await settled()).toMatchObject({
    folder: expect.any(String),
    files: [
      { path: 'a.ipynb', size: 1, hash: sha('a') },
      { path: 'deep/er/ü ?#%.ipynb', size: 2, hash: sha('bb') },
    ],
    ignored: [],
  });
});

test('links are followed on the disk, and never off it or round in circles', async () => {
  mkdirSync(path.join(agent.home, 'repo'));
  writeFileSync(path.join(agent.home, 'repo/in-repo.ipynb'), 'r');
  writeFileSync(path.join(agent.home, 'alone.ipynb'), 'l');
  writeFileSync(path.join(agent.folder, 'outside.ipynb'), 'o');
  writeFileSync(at('a.ipynb'), 'a');
  symlinkSync(path.join(agent.home, 'repo'), at('repo'));
  symlinkSync(path.join(agent.home, 'alone.ipynb'), at('alone.ipynb'));
  symlinkSync(path.join(agent.folder, 'outside.ipynb'), at('outside.ipynb'));
  symlinkSync(agent.folder, at('off'));
  symlinkSync('a.ipynb', at('twice.ipynb'));
  symlinkSync('/nowhere', at('dangling.ipynb'));
  symlinkSync('..', at('up'));
  symlinkSync(root, path.join(agent.home, 'repo/back'));
  const { files, ignored } = await settled();
  expect(files.map((file) => file.path)).toEqual(['a.ipynb', 'alone.ipynb', 'repo/in-repo.ipynb']);
  expect(ignored.map((one) => one.path).toSorted()).toEqual(['dangling.ipynb', 'outside.ipynb', 'twice.ipynb']);
  expect((await put('outside.ipynb', 'x', absent)).status).toBe(404);
  expect((await put('off/x.ipynb', 'x', absent)).status).toBe(404);
  expect(readFileSync(path.join(agent.folder, 'outside.ipynb'), 'utf8')).toBe('o');
  // Through a link, the file it stands for is replaced, and the link itself deleted.
  expect((await put('alone.ipynb', 'new', over('l'))).status).toBe(200);
  expect(readFileSync(path.join(agent.home, 'alone.ipynb'), 'utf8')).toBe('new');
  await settled();
  expect((await remove('alone.ipynb', sha('new'))).status).toBe(204);
  expect(existsSync(at('alone.ipynb'))).toBe(false);
  expect(readFileSync(path.join(agent.home, 'alone.ipynb'), 'utf8')).toBe('new');
});

test('answers a waiting request soon after a change, also deep down, and in files that are new', async () => {
  let { version } = await settled();
  const change = async (make: () => void): Promise<AgentNotebooks> => {
    const waiting = list(`?after=${version}&waitMs=20000`);
    make();
    const began = performance.now();
    const found = await waiting;
    expect(performance.now() - began).toBeLessThan(15_000);
    expect(found.version).not.toBe(version);
    ({ version } = found);
    return found;
  };
  await change(() => {
    mkdirSync(at('x/y'), { recursive: true });
    writeFileSync(at('x/y/a.ipynb'), 'one');
  });
  const changed = await change(() => writeFileSync(at('x/y/a.ipynb'), 'two'));
  expect(changed.files).toEqual([{ path: 'x/y/a.ipynb', size: 3, hash: sha('two') }]);
  // The same size and time as before: only the content tells.
  const { atime, mtime } = statSync(at('x/y/a.ipynb'));
  const forged = await change(() => {
    writeFileSync(at('x/y/a.ipynb'), 'TWO');
    utimesSync(at('x/y/a.ipynb'), atime, mtime);
  });
  expect(forged.files[0]?.hash).toBe(sha('TWO'));
  const moved = await change(() => renameSync(at('x'), at('z')));
  expect(moved.files.map((file) => file.path)).toEqual(['z/y/a.ipynb']);
  expect((await change(() => rmSync(at('z'), { recursive: true }))).files).toEqual([]);
  expect((await change(() => rmSync(root, { recursive: true }))).folder).toBeNull();
  expect((await change(() => mkdirSync(root))).folder).not.toBeNull();
});

test('nothing new ends the wait when its time is over', async () => {
  const { version } = await settled();
  expect((await list(`?after=${version}&waitMs=200`)).version).toBe(version);
});

test('a file that is being written is not taken, however long it takes, and holds up no other', async () => {
  writeFileSync(at('done.ipynb'), 'done');
  const { version } = await settled();
  const writer = setInterval(() => {
    appendFileSync(at('slow.ipynb'), 'x');
  }, 20);
  await until(() => existsSync(at('slow.ipynb')), 'the writer');
  writeFileSync(at('other.ipynb'), 'other');
  const during = await list(`?after=${version}&waitMs=20000`);
  expect(during.settling).toEqual(['slow.ipynb']);
  expect(during.files.map((file) => file.path)).toEqual(['done.ipynb', 'other.ipynb']);
  expect((await put('slow.ipynb', 'mine', over(read('slow.ipynb')))).status).toBe(412);
  clearInterval(writer);
  expect((await settled()).files.at(-1)).toMatchObject({ path: 'slow.ipynb', hash: sha(read('slow.ipynb')) });
});

test('writes only over what is expected, and makes folders', async () => {
  expect((await put('new/er/a.ipynb', 'one', absent)).json).toEqual({ hash: sha('one') });
  expect(read('new/er/a.ipynb')).toBe('one');
  expect((await put('new/er/a.ipynb', 'two', absent)).status).toBe(412);
  await settled();
  expect((await put('new/er/a.ipynb', 'two', over('zero'))).status).toBe(412);
  chmodSync(at('new/er/a.ipynb'), 0o600);
  await settled();
  expect((await put('new/er/a.ipynb', 'two', over('one'))).status).toBe(200);
  expect(statSync(at('new/er/a.ipynb')).mode & 0o777).toBe(0o600);
  expect((await put('gone.ipynb', 'two', over('one'))).status).toBe(412);
  expect((await put('gone.ipynb', 'x'.repeat(3_000_000), over('one'))).status).toBe(412);
  expect((await put('a.ipynb', 'x', {})).status).toBe(400);
  writeFileSync(at('file'), '');
  expect((await put('file/a.ipynb', 'x', absent)).status).toBeGreaterThanOrEqual(400);
  expect(readdirSync(at('new/er'))).toEqual(['a.ipynb']);
  expect(readdirSync(root)).toEqual(['file', 'new']);
});

test('deletes only what is expected, and leaves the folder and what else is in it', async () => {
  mkdirSync(at('x'));
  writeFileSync(at('x/a.ipynb'), 'a');
  writeFileSync(at('x/data.csv'), '1');
  await settled();
  expect((await remove('x/a.ipynb', sha('b'))).status).toBe(412);
  expect((await remove('x/a.ipynb', sha('a'))).status).toBe(204);
  expect((await remove('x/a.ipynb', sha('a'))).status).toBe(204);
  expect((await remove('never/there.ipynb', sha('a'))).status).toBe(204);
  expect(readdirSync(at('x'))).toEqual(['data.csv']);
});

test.each(['../escape.ipynb', 'x/../../escape.ipynb', '.hidden/a.ipynb', 'a.txt', '.ipynb_checkpoints/a.ipynb', ''])(
  'refuses %j',
  async (name) => {
    writeFileSync(path.join(agent.home, 'escape.ipynb'), 'kept');
    for (const answer of [
      await put(name, 'x', absent),
      await remove(name, sha('kept')),
      await agent.call('GET', `/agent/mirror/file/${encodeURIComponent(name)}`),
    ]) {
      expect([400, 404]).toContain(answer.status);
    }
    expect(readFileSync(path.join(agent.home, 'escape.ipynb'), 'utf8')).toBe('kept');
    expect(readdirSync(root)).toEqual([]);
  },
);

test('a folder that cannot be read is told as unknown, not as empty', async ({ skip }) => {
  if (process.getuid?.() === 0) skip('root can read every folder');
  mkdirSync(at('closed'));
  writeFileSync(at('closed/a.ipynb'), 'a');
  chmodSync(at('closed'), 0);
  expect(await list()).toMatchObject({ files: [], settling: ['closed/'] });
  chmodSync(at('closed'), 0o700);
});

test('on a full disk a write is refused with 507 and the old file stays', async ({ skip }) => {
  const home = mkdtempSync(path.join(tmpdir(), 'full-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', home], { stdio: 'ignore' });
  } catch {
    skip('a tmpfs cannot be mounted here: this story needs root');
  }
  try {
    await using small = await startTestAgent({ home });
    writeFileSync(path.join(home, 'notebooks/a.ipynb'), 'old');
    writeFileSync(path.join(home, 'filler'), Buffer.alloc(statfsSync(home).bavail * statfsSync(home).bsize));
    await until(async () => (await small.call('GET', '/agent/mirror/list')).json.settling.length === 0, 'it settles');
    const answer = await small.call('PUT', '/agent/mirror/file/a.ipynb', Buffer.alloc(3_000_000, 'x'), over('old'));
    expect(answer.status).toBe(507);
    expect(readFileSync(path.join(home, 'notebooks/a.ipynb'), 'utf8')).toBe('old');
    expect(readdirSync(path.join(home, 'notebooks'))).toEqual(['a.ipynb']);
    const created = await small.call('PUT', '/agent/mirror/file/b.ipynb', Buffer.alloc(3_000_000, 'x'), absent);
    expect(created.status).toBe(507);
    expect(readdirSync(path.join(home, 'notebooks'))).toEqual(['a.ipynb']);
  } finally {
    execFileSync('umount', ['-l', home]);
    rmSync(home, { recursive: true, force: true });
  }
});
