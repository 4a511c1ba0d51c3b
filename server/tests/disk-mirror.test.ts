import type { Kernel } from '@jupyterlab/services';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Environment, NotebookMirror } from '@terrarium/contract';
import {
  createInstallation,
  paramsOf,
  removeMachines,
  untilStatus,
  untilTrue,
  type ControlPlane,
  type Installation,
} from '../testing/control-plane.ts';
import { kernelManager, run } from '../testing/jupyter-client.ts';

const workspace = { namespace: 'my-project', name: 'getting-started' };
const shape = { diskGiB: 1, bootDiskGiB: 1, memoryGiB: 1 };
let installation: Installation;
let plane: ControlPlane;
let environment: Environment;
let kernel: Kernel.IKernelConnection;
let leave = (): void => undefined;

beforeAll(async () => {
  installation = await createInstallation();
  plane = await installation.start();
});

afterEach(async () => {
  leave();
  await removeMachines(plane.client);
});

afterAll(async () => {
  await installation.remove();
});

async function begin(options: { diskName?: string } = {}): Promise<void> {
  const made = await plane.client.createEnvironment({ params: workspace, body: { ...shape, ...options } });
  environment = await untilStatus(plane.client, made, 'Running');
  await connect();
}

async function connect(): Promise<void> {
  leave();
  const manager = kernelManager(plane, workspace.namespace, workspace.name);
  // A list that was asked for before the kernel was there would have the client take it for dead.
  await manager.ready;
  kernel = await manager.startNew({ name: 'python3' });
  await run(
    kernel,
    `
import json, os, shutil, subprocess
root = os.path.expanduser('~/notebooks/')
def load(path): return json.load(open(root + path))
def save(path, notebook):
    os.makedirs(os.path.dirname(root + path), exist_ok=True)
    json.dump(notebook, open(root + path, 'w'))
def sources(path): return [''.join(cell['source']) for cell in load(path)['cells']]
def edit(path, index, source):
    notebook = load(path); notebook['cells'][index]['source'] = source; save(path, notebook)
def notebook(*sources): return dict(nbformat=4, nbformat_minor=5, metadata={}, cells=[dict(cell_type='markdown', id='c%d' % n, metadata={}, source=s) for n, s in enumerate(sources)])
def tree(): return sorted(os.path.relpath(os.path.join(at, name), root) for at, _, names in os.walk(root) for name in names)
`,
  );
  leave = () => {
    manager.dispose();
    leave = () => undefined;
  };
}

/** What a Python expression is in the environment. */
async function inside<T>(expression: string): Promise<T> {
  const text = await run(kernel, `print('answer:' + json.dumps(${expression}) + ':end')`);
  try {
    // On a full disk the kernel also complains about its own history, before it or after.
    return JSON.parse(/answer:(.*):end/s.exec(text)?.[1] ?? '') as T;
  } catch (cause) {
    throw new Error(`The environment answered: ${text}`, { cause });
  }
}
const there = (statements: string): Promise<string> => run(kernel, statements);

const address = (path: string): string =>
  `${plane.url}/api/workspaces/my-project/getting-started/bucket/objects/notebooks/${path.split('/').map(encodeURIComponent).join('/')}`;
const authorization = () => ({ authorization: `Bearer ${plane.token}` });

async function put(path: string, ...sources: string[]): Promise<void> {
  const cells = sources.map((source, n) => ({ cell_type: 'markdown', id: `c${String(n)}`, metadata: {}, source }));
  const body = JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells });
  expect((await fetch(address(path), { method: 'PUT', body, headers: authorization() })).status).toBe(200);
}
async function sourcesIn(path: string): Promise<string[] | null> {
  const response = await fetch(address(path), { headers: authorization() });
  if (response.status === 404) return null;
  const { cells } = (await response.json()) as { cells: { source: string | string[] }[] };
  return cells.map(({ source }) => (Array.isArray(source) ? source.join('') : source));
}
async function removeInBucket(path: string): Promise<void> {
  expect((await fetch(address(path), { method: 'DELETE', headers: authorization() })).status).toBe(204);
}
async function listed(): Promise<string[]> {
  return (await plane.client.listNotebooks({ params: workspace })).map(({ path }) => path);
}

const mirror = (): Promise<NotebookMirror> => plane.client.getNotebookMirror({ params: paramsOf(environment) });
const untilInStep = () => untilTrue(async () => (await mirror()).state === 'inStep', 'the mirror is in step', 20_000);
const untilInBucket = (path: string, ...sources: string[]) =>
  untilTrue(async () => same(await sourcesIn(path), sources), `${path} is ${sources.join()} in the bucket`, 15_000);
const untilOnDisk = (path: string, ...sources: string[]) =>
  untilTrue(
    async () =>
      same(
        await inside(`sources(${JSON.stringify(path)}) if os.path.exists(root + ${JSON.stringify(path)}) else None`),
        sources,
      ),
    `${path} is ${sources.join()} on the disk`,
    15_000,
  );
const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

test('notebooks are on the disk soon after the start, and follow the bucket within seconds', async () => {
  await put('deep/er/ü b.ipynb', 'one', 'two');
  await begin();
  await untilTrue(
    async () =>
      same(await inside('tree()'), ['deep/er/ü b.ipynb', 'python-elevation-map.ipynb', 'r-air-quality.ipynb']),
    'all notebooks are on the disk',
    15_000,
  );
  await untilInStep();
  await put('deep/er/ü b.ipynb', 'one', 'changed');
  await untilOnDisk('deep/er/ü b.ipynb', 'one', 'changed');

  await put('new.ipynb', 'new');
  await untilOnDisk('new.ipynb', 'new');
  await there(`open(root + 'deep/er/data.csv', 'w').write('1')`);
  await plane.client.renameNotebook({
    params: { ...workspace, path: 'deep/er/ü b.ipynb' },
    body: { to: 'moved.ipynb' },
  });
  await removeInBucket('new.ipynb');
  await untilTrue(
    async () =>
      same(await inside('tree()'), [
        'deep/er/data.csv',
        'moved.ipynb',
        'python-elevation-map.ipynb',
        'r-air-quality.ipynb',
      ]),
    'the disk has followed a rename and a deletion, and kept other files',
    15_000,
  );
  expect(await mirror()).toMatchObject({ problems: [], notices: [] });
});

test('what is changed, made, moved and deleted on the disk reaches the bucket', async () => {
  await put('a.ipynb', 'one', 'two');
  await begin();
  await untilOnDisk('a.ipynb', 'one', 'two');
  await there(`edit('a.ipynb', 1, 'from the disk')`);
  await untilInBucket('a.ipynb', 'one', 'from the disk');
  const [newest] = await plane.client.listVersions({ params: { ...workspace, path: 'a.ipynb' } });
  expect(newest).toMatchObject({ kind: 'disk', authors: [{ name: expect.any(String) }] });
  await there(`save('x/made here.ipynb', notebook('made'))`);
  await untilInBucket('x/made here.ipynb', 'made');
  await there(`os.rename(root + 'x/made here.ipynb', root + 'x/moved.ipynb')`);
  await untilInBucket('x/moved.ipynb', 'made');
  await untilTrue(async () => (await sourcesIn('x/made here.ipynb')) === null, 'the old name is gone', 15_000);
  await there(`os.remove(root + 'x/moved.ipynb')`);
  await untilTrue(async () => (await sourcesIn('x/moved.ipynb')) === null, 'it is deleted in the bucket', 15_000);

  // Written by the tool that people use for it, with results, in another layout.
  const code = `dict(notebook('# text'), cells=[dict(cell_type='code', id='code', metadata={}, source='print(6 * 7)', outputs=[], execution_count=None)])`;
  await there(`save('run.ipynb', ${code})`);
  await untilInBucket('run.ipynb', 'print(6 * 7)');
  await untilInStep();
  const converted = await there(`
notebook = load('run.ipynb')
notebook['cells'][0].update(execution_count=1, outputs=[dict(output_type='stream', name='stdout', text=['42\\n'])])
with open(root + 'run.ipynb', 'w') as file: json.dump(notebook, file, indent=1, sort_keys=True); file.write('\\n')
`);
  expect(converted).toBe('');
  await untilTrue(
    async () => (await (await fetch(address('run.ipynb'), { headers: authorization() })).text()).includes('42'),
    'the result is in the bucket',
    15_000,
  );
  await untilInStep();
  expect(await mirror()).toMatchObject({ problems: [], notices: [] });
});

test('changes of both sides are merged by cell; of one cell both are kept, and it is said', async () => {
  await put('both.ipynb', 'one', 'two');
  await begin();
  await untilOnDisk('both.ipynb', 'one', 'two');
  await untilInStep();
  // Both at a time when the mirror does not look: the environment keeps the disk, the control plane is gone.
  await plane.kill();
  plane = await installation.start();
  await connect();
  await Promise.all([there(`edit('both.ipynb', 0, 'disk')`), put('both.ipynb', 'one', 'bucket')]);
  await untilInBucket('both.ipynb', 'disk', 'bucket');
  await untilOnDisk('both.ipynb', 'disk', 'bucket');
  await untilInStep();
  expect((await mirror()).notices).toEqual([]);

  await Promise.all([there(`edit('both.ipynb', 0, 'DISK')`), put('both.ipynb', 'BUCKET', 'bucket')]);
  await untilTrue(async () => (await mirror()).notices.length > 0, 'it is said', 15_000);
  await untilInStep();
  expect(await mirror()).toMatchObject({
    problems: [],
    notices: [{ path: 'both.ipynb', message: expect.stringContaining('kept among its versions') }],
  });
  expect(await sourcesIn('both.ipynb')).toEqual(['BUCKET', 'bucket']);
  const versions = await plane.client.listVersions({ params: { ...workspace, path: 'both.ipynb' } });
  expect(versions.filter(({ kind }) => kind === 'conflict')).toHaveLength(1);
  await untilOnDisk('both.ipynb', 'BUCKET', 'bucket');
});

test('a lost folder deletes nothing, a half-written file is left alone, and a disk that comes back goes on', async () => {
  await put('kept.ipynb', 'kept');
  await begin();
  await untilOnDisk('kept.ipynb', 'kept');
  await untilInStep();
  const before = await listed();
  await there(`shutil.rmtree(root)`);
  await untilOnDisk('kept.ipynb', 'kept');
  await untilInStep();
  expect(await listed()).toEqual(before);
  expect((await mirror()).notices).toMatchObject([{ path: null, message: expect.stringContaining('put back') }]);

  await there(`open(root + 'kept.ipynb', 'w').write(open(root + 'python-elevation-map.ipynb').read()[:200])`);
  await untilTrue(async () => (await mirror()).problems.length > 0, 'it is reported', 15_000);
  expect((await mirror()).problems).toMatchObject([
    { path: 'kept.ipynb', message: expect.stringContaining('is not a notebook') },
  ]);
  expect(await sourcesIn('kept.ipynb')).toEqual(['kept']);
  await there(`save('kept.ipynb', notebook('whole again'))`);
  await untilInBucket('kept.ipynb', 'whole again');
  await untilTrue(async () => (await mirror()).problems.length === 0, 'nothing is wrong any more', 15_000);

  // While it is paused, the bucket goes on; another environment on the same disk catches up.
  const { disk } = environment;
  leave();
  await plane.client.deleteEnvironment({ params: paramsOf(environment), query: { deleteDisk: 'false' } });
  await untilTrue(async () => (await plane.client.listAllEnvironments()).length === 0, 'the environment is gone');
  await put('kept.ipynb', 'meanwhile');
  await removeInBucket('r-air-quality.ipynb');
  await begin({ diskName: disk?.name ?? '' });
  expect(environment.disk?.id).toBe(disk?.id);
  await untilOnDisk('kept.ipynb', 'meanwhile');
  await untilTrue(
    async () => !(await inside<string[]>('tree()')).includes('r-air-quality.ipynb'),
    'it is deleted',
    15_000,
  );
  expect(await listed()).not.toContain('r-air-quality.ipynb');
});

test('on a full disk nothing is lost, it is reported, and goes on by itself when there is room again', async ({
  skip,
}) => {
  await put('a.ipynb', 'one');
  await begin();
  await untilOnDisk('a.ipynb', 'one');
  const size = await inside<number>('os.statvfs(root).f_blocks * os.statvfs(root).f_frsize');
  if (size > 2 * 1024 ** 3) skip('disks have no size of their own here: this story needs root');
  await there(`
with open(root + 'filler', 'wb') as filler:
    for size in (1 << 20, 1 << 12, 1):
        try:
            while True: filler.write(b'x' * size); filler.flush()
        except OSError: pass
`);
  await put('a.ipynb', 'two', 'x'.repeat(100_000));
  await put('b.ipynb', 'x'.repeat(100_000));
  await untilTrue(async () => (await mirror()).problems.length === 2, 'it is reported', 15_000);
  expect((await mirror()).problems[0]?.message).toContain('The disk is full');
  expect(await inside(`sources('a.ipynb')`)).toEqual(['one']);
  expect((await plane.client.getEnvironment({ params: paramsOf(environment) })).status).toBe('Running');
  await there(`os.remove(root + 'filler')`);
  await untilTrue(async () => same(await inside(`sources('a.ipynb')[0]`), 'two'), 'it goes on', 40_000);
  await untilTrue(async () => (await mirror()).problems.length === 0, 'nothing is wrong any more', 40_000);
});

test(
  'kill -9 of the control plane in the middle of changes on both sides loses none',
  { timeout: 180_000 },
  async () => {
    await begin();
    await untilInStep();
    await there(`
import threading, time
def write():
    for n in range(120):
        save('disk/%d.ipynb' % (n % 20), notebook('disk %d' % n)); time.sleep(0.05)
threading.Thread(target=write).start()
`);
    for (let n = 0; n < 40; n++) {
      await put(`bucket/${String(n % 10)}.ipynb`, `bucket ${String(n)}`);
      if (n % 8 === 7) {
        await plane.kill();
        plane = await installation.start();
      }
    }
    await connect();
    for (let n = 0; n < 20; n++) await untilInBucket(`disk/${String(n)}.ipynb`, `disk ${String(100 + n)}`);
    for (let n = 0; n < 10; n++) await untilOnDisk(`bucket/${String(n)}.ipynb`, `bucket ${String(30 + n)}`);
    await untilInStep();
    expect(await mirror()).toMatchObject({ problems: [], notices: [] });
  },
);
