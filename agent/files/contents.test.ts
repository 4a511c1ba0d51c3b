import { mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestAgent, type TestAgent } from '../testing/test-agent.ts';

let agent: TestAgent;
beforeAll(async () => {
  agent = await startTestAgent();
  await mkdir(path.join(agent.home, 'dir/sub'), { recursive: true });
  await writeFile(path.join(agent.home, 'dir/a.txt'), 'hello');
  await writeFile(path.join(agent.home, 'dir/b.bin'), Buffer.from([0xff, 0xfe, 0, 1]));
  await writeFile(path.join(agent.home, '.hidden'), 'secret');
  await writeFile(path.join(agent.folder, 'outside.txt'), 'outside');
  await symlink(path.join(agent.folder, 'outside.txt'), path.join(agent.home, 'dir/out-link.txt'));
  await symlink(agent.folder, path.join(agent.home, 'out-folder'));
  await symlink(path.join(agent.folder, 'not-yet'), path.join(agent.home, 'dangling'));
  await symlink('a.txt', path.join(agent.home, 'dir/in-link.txt'));
});
afterAll(() => agent[Symbol.asyncDispose]());

const keys = [
  'content',
  'created',
  'format',
  'hash',
  'hash_algorithm',
  'last_modified',
  'mimetype',
  'name',
  'path',
  'size',
  'type',
  'writable',
];

describe('reading', () => {
  test('a folder lists what can be opened, hidden files only when asked', async () => {
    const { status, json } = await agent.call('GET', '/api/contents/dir');
    expect(status).toBe(200);
    expect(Object.keys(json).sort()).toEqual(keys);
    expect(json).toMatchObject({
      type: 'directory',
      format: 'json',
      size: null,
      mimetype: null,
      path: 'dir',
      name: 'dir',
    });
    expect(json.content.map(({ name }: { name: string }) => name)).toEqual(['a.txt', 'b.bin', 'in-link.txt', 'sub']);
    const names = (answer: { json: { content: { name: string }[] } }): string[] =>
      answer.json.content.map(({ name }) => name);
    expect(names(await agent.call('GET', '/api/contents/'))).not.toContain('.hidden');
    expect(names(await agent.call('GET', '/api/contents?hidden=1'))).toContain('.hidden');
  });

  test('text, binary, hash and no content', async () => {
    expect((await agent.call('GET', '/api/contents/dir/a.txt?hash=1')).json).toMatchObject({
      type: 'file',
      format: 'text',
      content: 'hello',
      mimetype: 'text/plain',
      size: 5,
      hash_algorithm: 'sha256',
      hash: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
    });
    expect((await agent.call('GET', '/api/contents/dir/b.bin')).json).toMatchObject({
      format: 'base64',
      content: '//4AAQ==',
    });
    expect((await agent.call('GET', '/api/contents/dir/a.txt?content=0')).json).toMatchObject({
      content: null,
      format: null,
    });
    expect((await agent.call('GET', '/api/contents/dir/in-link.txt')).json.content).toBe('hello');
  });

  test.each([
    ['/api/contents/nope.txt', 404],
    ['/api/contents/.hidden', 404],
    ['/api/contents/dir?type=file', 400],
    ['/api/contents/dir/a.txt?type=directory', 400],
    ['/api/contents/dir/b.bin?type=file&format=text', 400],
    ['/api/contents/dir/a.txt?type=notebook', 400],
    ['/api/contents/dir/a.txt?format=yaml', 400],
    ['/api/contents/dir/a.txt?content=2', 400],
    ['/api/contents/dir/a.txt?hash=x', 400],
    ['/api/contents/%E0%A4%A', 400],
  ])('%s is %d', async (target, status) => {
    const answer = await agent.call('GET', target);
    expect(answer.status).toBe(status);
    expect(Object.keys(answer.json)).toEqual(['message', 'reason']);
  });
});

describe('hostile paths never leave the disk', () => {
  const hostile = [
    '../outside.txt',
    '%2e%2e/outside.txt',
    'dir/../../outside.txt',
    'dir/..%2f..%2foutside.txt',
    'dir/out-link.txt',
    'out-folder/outside.txt',
    'dangling',
    'dangling/x',
    'dir/%00/../a.txt',
    'a%00.txt',
    'n'.repeat(300),
    '%2Fetc%2Fpasswd',
  ];
  test.each(hostile)('%s', async (target) => {
    expect((await agent.call('GET', `/api/contents/${target}`)).status).toBe(404);
    expect((await agent.call('GET', `/files/${target}`)).status).toBe(404);
    const put = await agent.call('PUT', `/api/contents/${target}`, { type: 'file', format: 'text', content: 'x' });
    // an absolute path is one below the disk, whose folder is missing
    expect([400, 404]).toContain(put.status);
    expect([404, 400]).toContain(
      (await agent.call('DELETE', `/api/contents/${target === 'dir/out-link.txt' ? 'none' : target}`)).status,
    );
    const renamed = await agent.call('PATCH', '/api/contents/dir/a.txt', { path: decodeURIComponent(target) });
    expect([400, 404]).toContain(renamed.status);
    const copied = await agent.call('POST', '/api/contents/dir', { copy_from: decodeURIComponent(target) });
    expect([400, 404]).toContain(copied.status);
    expect((await readdir(agent.folder)).sort()).toEqual(['agent.sock', 'home', 'outside.txt', 'specs', 'state']);
    expect(await readFile(path.join(agent.folder, 'outside.txt'), 'utf8')).toBe('outside');
  });
});

describe('writing', () => {
  test('a new file is 201 with its place, a change 200', async () => {
    const body = { type: 'file', format: 'text', content: 'eins' };
    const made = await agent.call('PUT', '/api/contents/dir/n%C3%A4me.txt', body);
    expect(made.status).toBe(201);
    expect(made.headers.location).toBe('/api/contents/dir/n%C3%A4me.txt');
    expect(Object.keys(made.json).sort()).toEqual(keys);
    expect(made.json).toMatchObject({ content: null, path: 'dir/näme.txt', size: 4 });
    expect((await agent.call('PUT', '/api/contents/dir/n%C3%A4me.txt', { ...body, content: 'zwei!' })).status).toBe(
      200,
    );
    expect(await readFile(path.join(agent.home, 'dir/näme.txt'), 'utf8')).toBe('zwei!');
    expect((await readdir(path.join(agent.home, 'dir'))).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test('a notebook is written as nbformat writes it, and comes back joined', async () => {
    const cell = {
      cell_type: 'code',
      id: 'c',
      execution_count: 1,
      metadata: { trusted: true },
      source: 'a\nb',
      outputs: [{ output_type: 'stream', name: 'stdout', text: 'x\ny\n' }],
    };
    const content = { nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [cell] };
    expect(
      (await agent.call('PUT', '/api/contents/n.ipynb', { type: 'notebook', format: 'json', content })).status,
    ).toBe(201);
    const onDisk = JSON.parse(await readFile(path.join(agent.home, 'n.ipynb'), 'utf8'));
    expect(onDisk.cells[0]).toMatchObject({ source: ['a\n', 'b'], metadata: {}, outputs: [{ text: ['x\n', 'y\n'] }] });
    const back = await agent.call('GET', '/api/contents/n.ipynb');
    expect(back.json).toMatchObject({ type: 'notebook', format: 'json' });
    expect(back.json.content.cells[0]).toMatchObject({ source: 'a\nb', outputs: [{ text: 'x\ny\n' }] });
    await writeFile(path.join(agent.home, 'broken.ipynb'), '{');
    expect((await agent.call('GET', '/api/contents/broken.ipynb')).status).toBe(400);
  });

  test('an upload in chunks appears only when its last chunk is there', async () => {
    const put = (chunk: number, text: string) =>
      agent.call('PUT', '/api/contents/dir/big.bin', {
        type: 'file',
        format: 'base64',
        chunk,
        content: Buffer.from(text).toString('base64'),
      });
    expect((await put(1, 'one ')).status).toBe(201);
    expect((await agent.call('GET', '/api/contents/dir/big.bin')).status).toBe(404);
    expect((await put(2, 'two ')).status).toBe(201);
    expect((await put(-1, 'three')).json).toMatchObject({ size: 13, path: 'dir/big.bin' });
    expect(await readFile(path.join(agent.home, 'dir/big.bin'), 'utf8')).toBe('one two three');
    expect(
      (await agent.call('PUT', '/api/contents/dir/o.bin', { type: 'file', format: 'text', chunk: 2, content: 'x' }))
        .status,
    ).toBe(400);
  });

  test.each([
    [{ content: 'x' }, 'No file type provided'],
    [{ type: 'file' }, 'No file content provided'],
    [{ type: 'file', content: 'x' }, "Must specify format of file contents as 'text' or 'base64'"],
    [{ type: 'file', content: 'x', format: 'base64!' }, "Must specify format of file contents as 'text' or 'base64'"],
    [{ type: 'file', content: '%%%', format: 'base64' }, 'The content is not base64.'],
    [{ copy_from: 'dir/a.txt' }, 'Cannot copy with PUT, only POST'],
    [{ type: 'file', content: 'x', format: 'text', chunk: 'a' }, 'A chunk is a whole number.'],
  ])('%j is refused: %s', async (body, message) => {
    const answer = await agent.call('PUT', '/api/contents/dir/bad.txt', body);
    expect(answer.status).toBe(400);
    expect(answer.json.message).toBe(message);
  });

  test('untitled names, copies, renames and deletions', async () => {
    const post = async (body: unknown) => {
      const { status, json } = await agent.call('POST', '/api/contents/dir/sub', body);
      expect(status).toBe(201);
      return String(json.path);
    };
    expect(await post({ type: 'notebook' })).toBe('dir/sub/Untitled.ipynb');
    expect(await post({ type: 'notebook' })).toBe('dir/sub/Untitled1.ipynb');
    expect(await post({ type: 'file', ext: '.py' })).toBe('dir/sub/untitled.py');
    expect(await post({ type: 'directory' })).toBe('dir/sub/Untitled Folder');
    expect(await post({ type: 'directory' })).toBe('dir/sub/Untitled Folder 1');
    expect(await post({ copy_from: 'dir/a.txt' })).toBe('dir/sub/a.txt');
    expect(await post({ copy_from: 'dir/sub/a.txt' })).toBe('dir/sub/a-Copy1.txt');
    expect(await post({ copy_from: 'dir/sub/a-Copy1.txt' })).toBe('dir/sub/a-Copy2.txt');
    expect((await agent.call('POST', '/api/contents/nowhere', {})).status).toBe(404);
    expect((await agent.call('POST', '/api/contents/dir/a.txt', {})).status).toBe(400);

    expect((await agent.call('PATCH', '/api/contents/dir/sub/a.txt', { path: 'dir/sub/c.txt' })).json.path).toBe(
      'dir/sub/c.txt',
    );
    expect((await agent.call('PATCH', '/api/contents/dir/sub/c.txt', { path: 'dir/a.txt' })).status).toBe(409);
    expect((await agent.call('PATCH', '/api/contents/dir/sub/none', { path: 'dir/x' })).status).toBe(404);
    expect((await agent.call('PATCH', '/api/contents/dir/sub/c.txt')).status).toBe(400);
    expect((await agent.call('DELETE', '/api/contents/dir/sub/c.txt')).status).toBe(204);
    expect((await agent.call('DELETE', '/api/contents/dir/sub')).status).toBe(204);
    expect((await agent.call('DELETE', '/api/contents/')).status).toBe(400);
    // a link that leaves the disk cannot be read, and deleting it is no way out either
    expect((await agent.call('DELETE', '/api/contents/out-folder')).status).toBe(404);
  });

  test('checkpoints', async () => {
    await agent.call('PUT', '/api/contents/c.txt', { type: 'file', format: 'text', content: 'old' });
    const made = await agent.call('POST', '/api/contents/c.txt/checkpoints');
    expect(made.status).toBe(201);
    expect(made.json.id).toBe('checkpoint');
    expect(made.headers.location).toBe('/api/contents/c.txt/checkpoints/checkpoint');
    await agent.call('PUT', '/api/contents/c.txt', { type: 'file', format: 'text', content: 'new' });
    expect((await agent.call('GET', '/api/contents/c.txt/checkpoints')).json).toEqual([made.json]);
    expect((await agent.call('POST', '/api/contents/c.txt/checkpoints/checkpoint')).status).toBe(204);
    expect((await agent.call('GET', '/api/contents/c.txt')).json.content).toBe('old');
    expect((await agent.call('DELETE', '/api/contents/c.txt/checkpoints/checkpoint')).status).toBe(204);
    expect((await agent.call('DELETE', '/api/contents/c.txt/checkpoints/checkpoint')).status).toBe(404);
  });
});

describe('downloads', () => {
  test('whole, by range, as an attachment, and their head', async () => {
    const whole = await agent.call('GET', '/files/dir/a.txt');
    expect([whole.status, whole.bytes.toString()]).toEqual([200, 'hello']);
    expect(whole.headers['content-security-policy']).toContain('sandbox');
    const part = await agent.call('GET', '/files/dir/a.txt', undefined, { range: 'bytes=1-2' });
    expect([part.status, part.bytes.toString(), part.headers['content-range']]).toEqual([206, 'el', 'bytes 1-2/5']);
    expect((await agent.call('GET', '/files/dir/a.txt', undefined, { range: 'bytes=-2' })).bytes.toString()).toBe('lo');
    expect((await agent.call('GET', '/files/dir/a.txt', undefined, { range: 'bytes=9-' })).status).toBe(416);
    const attached = await agent.call('GET', '/files/dir/n%C3%A4me.txt?download=1');
    expect(attached.headers['content-disposition']).toContain("filename*=utf-8''n%C3%A4me.txt");
    expect((await agent.call('HEAD', '/files/dir/a.txt')).headers['content-length']).toBe('5');
    expect((await agent.call('GET', '/files/dir')).status).toBe(404);
  });
});
