import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AgentFolders } from '@terrarium/contract/agent';
import { connectKernel } from '../testing/kernel-client.ts';
import { startTestAgent, until } from '../testing/test-agent.ts';

let home: string;
/** A small disk of its own needs root. */
function mountSmallDisk(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
let isMounted: boolean;

beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'full-'));
  isMounted = mountSmallDisk(home);
});
afterEach(() => {
  if (isMounted) execFileSync('umount', ['-l', home]);
  rmSync(home, { recursive: true, force: true });
});

test('with a full disk the agent starts, kernels run, and a save is refused without losing the file', async ({
  skip,
}) => {
  if (!isMounted) skip('a tmpfs cannot be mounted here: this story needs root');
  writeFileSync(path.join(home, 'kept.txt'), 'kept');
  const free = statfsSync(home).bavail * statfsSync(home).bsize;
  writeFileSync(path.join(home, 'filler'), Buffer.alloc(free));
  expect(statfsSync(home).bavail).toBe(0);

  await using agent = await startTestAgent({ home });
  const save = await agent.call('PUT', '/api/contents/kept.txt', {
    type: 'file',
    format: 'text',
    content: 'x'.repeat(10_000),
  });
  expect(save.status).toBe(507);
  expect(save.json.message).toBe(
    'The disk is full: nothing was written. Delete files or grow the disk, then try again.',
  );
  expect(readFileSync(path.join(home, 'kept.txt'), 'utf8')).toBe('kept');
  const chunk = { type: 'file', format: 'text', chunk: 1, content: 'x'.repeat(10_000) };
  expect((await agent.call('PUT', '/api/contents/up.bin', chunk)).status).toBe(507);

  for (const [name, code] of [
    ['python3', 'print("alive", end="")'],
    ['ir', 'cat("alive")'],
  ] as const) {
    const { json } = await agent.call('POST', '/api/kernels', { name });
    const client = await connectKernel(agent, json.id);
    expect(await client.run(code)).toContain('alive');
    await client.close();
  }
  expect((await agent.call('POST', '/api/terminals')).status).toBe(200);

  expect((await agent.call('DELETE', '/api/contents/filler')).status).toBe(204);
  const again = await agent.call('PUT', '/api/contents/kept.txt', { type: 'file', format: 'text', content: 'new' });
  expect(again.status).toBe(200);
  expect(readFileSync(path.join(home, 'kept.txt'), 'utf8')).toBe('new');
});

test('a kernel starts again on a disk that it has filled itself, and the disk says what fills it', async ({ skip }) => {
  if (!isMounted) skip('a tmpfs cannot be mounted here: this story needs root');
  {
    // It leaves a profile and a history behind.
    await using agent = await startTestAgent({ home });
    const { json } = await agent.call('POST', '/api/kernels', { name: 'python3' });
    const client = await connectKernel(agent, json.id);
    const code =
      'try:\n  with open("data.bin", "wb", buffering=0) as f:\n    while True: f.write(b"x" * 4096)\nexcept OSError as e: print(e.errno, end="")';
    expect(await client.run(code)).toBe('28');
    await client.close();
  }
  expect(statfsSync(home).bavail).toBe(0);

  await using agent = await startTestAgent({ home, warmKernel: 'python3' });
  const { json } = await agent.call('POST', '/api/kernels', { name: 'python3' });
  const client = await connectKernel(agent, json.id);
  expect(await client.run('print("alive", end="")')).toContain('alive');
  await client.close();
  await agent.call('PUT', '/agent/startup', { script: 'echo alive', timeoutMs: 10_000 });
  await until(async () => (await agent.call('GET', '/agent/startup')).json.output === 'alive\n', 'the startup script');
  const folders = AgentFolders.parse((await agent.call('GET', '/agent/folders')).json);
  expect(folders.entries[0]).toMatchObject({ path: 'data.bin', kind: 'file' });
  expect(folders.entries[0]?.bytes).toBeGreaterThan(1024 ** 2);
});
