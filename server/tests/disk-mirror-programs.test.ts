import type { Kernel } from '@jupyterlab/services';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Environment, NotebookMirror } from '@terrarium/contract';
import {
  createInstallation,
  paramsOf,
  untilStatus,
  untilTrue,
  type ControlPlane,
  type Installation,
} from '../testing/control-plane.ts';
import { kernelManager, run } from '../testing/jupyter-client.ts';
import { Editor, putNotebook, storedOutputs, textOf } from '../testing/live-notebook.ts';

const workspace = { namespace: 'my-project', name: 'getting-started' };
const at = (path: string) => ({ ...workspace, path });
let installation: Installation;
let plane: ControlPlane;
let environment: Environment;
let kernel: Kernel.IKernelConnection;
let leave = (): void => undefined;

beforeAll(async () => {
  installation = await createInstallation();
  plane = await installation.start();
  const made = await plane.client.createEnvironment({ params: workspace, body: { diskGiB: 2, memoryGiB: 2 } });
  environment = await untilStatus(plane.client, made, 'Running');
  const manager = kernelManager(plane, workspace.namespace, workspace.name);
  await manager.ready;
  kernel = await manager.startNew({ name: 'python3' });
  leave = () => manager.dispose();
});
afterAll(async () => {
  leave();
  await installation.remove();
});

/** Runs a shell script in ~/notebooks, as in a terminal. @returns how it ended and what it printed */
async function shell(script: string): Promise<{ code: number; output: string }> {
  const code = `import json, os, subprocess
done = subprocess.run(['bash', '-c', ${JSON.stringify(script)}], cwd=os.path.expanduser('~/notebooks'), capture_output=True, text=True)
print('answer:' + json.dumps(dict(code=done.returncode, output=done.stdout + done.stderr)))`;
  return JSON.parse(/answer:(.*)/s.exec(await run(kernel, code))?.[1] ?? '') as { code: number; output: string };
}

async function succeed(script: string): Promise<string> {
  const { code, output } = await shell(script);
  expect(code, output).toBe(0);
  return output;
}

const mirror = (): Promise<NotebookMirror> => plane.client.getNotebookMirror({ params: paramsOf(environment) });
const untilInStep = () => untilTrue(async () => (await mirror()).state === 'inStep', 'the mirror is in step', 20_000);
const untilOnDisk = (path: string, text: string) =>
  untilTrue(async () => (await shell(`grep -qF '${text}' '${path}'`)).code === 0, `${path} has ${text}`, 15_000);

describe('nbconvert', () => {
  test('runs an open notebook in place while somebody edits another cell, and neither work is lost', async ({
    skip,
  }) => {
    const installed = await shell('pip install --quiet nbconvert');
    if (installed.code !== 0) skip('nbconvert could not be installed from the Python package index');
    const params = at('converted.ipynb');
    await putNotebook(plane, params, [
      'import time; time.sleep(4); print(6 * 7)',
      { source: 'written', cell_type: 'markdown' },
    ]);
    const editor = await Editor.open(plane, params);
    await untilOnDisk(params.path, 'written');
    await untilInStep();
    const converting = shell('jupyter nbconvert --to notebook --inplace --execute converted.ipynb');
    // Typed at the pace of a person, so that the mirror brings some of it to the disk while the program runs.
    for (const letter of ' meanwhile') {
      editor.source(1).insert(editor.text(1).length, letter);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    const { code, output } = await converting;
    expect(code, output).toBe(0);
    await editor.until(() => editor.text('c0') === '42\n', 'the result', 15_000);
    await untilInStep();
    expect(editor.text(1)).toBe('written meanwhile');
    await untilOnDisk(params.path, 'written meanwhile');
    expect((await storedOutputs(plane, params)).map(textOf)).toEqual(['42\n', '']);

    await succeed('jupyter nbconvert --clear-output --inplace converted.ipynb');
    await editor.until(() => editor.outputs('c0').length === 0, 'no result', 15_000);
    expect(editor.text(1)).toBe('written meanwhile');
    expect(await mirror()).toMatchObject({ problems: [], notices: [] });
    await editor.close();
  });
});

describe('papermill', () => {
  test('writes after every cell, and takes back nothing that is typed meanwhile', async ({ skip }) => {
    const installed = await shell('pip install --quiet papermill');
    if (installed.code !== 0) skip('papermill could not be installed from the Python package index');
    const params = at('milled.ipynb');
    const slow = 'import time; time.sleep(2); print("done")';
    await putNotebook(plane, params, [slow, slow, slow, { source: 'written', cell_type: 'markdown' }]);
    const editor = await Editor.open(plane, params);
    await untilOnDisk(params.path, 'written');
    await untilInStep();
    const milling = shell('papermill --no-progress-bar milled.ipynb milled.ipynb');
    const typing = setInterval(() => {
      editor.source(3).insert(editor.text(3).length, '.');
    }, 400);
    const { code, output } = await milling;
    clearInterval(typing);
    expect(code, output).toBe(0);
    const written = editor.text(3);
    await editor.until(() => editor.text('c2') === 'done\n', 'the last result', 15_000);
    await untilInStep();
    expect(editor.text(3)).toBe(written);
    await untilOnDisk(params.path, written);
    expect((await storedOutputs(plane, params)).map(textOf)).toEqual(['done\n', 'done\n', 'done\n', '']);
    expect(await mirror()).toMatchObject({ problems: [], notices: [] });
    await editor.close();
  });
});

describe('git', () => {
  test('init, commit, checkout and pull: what they change flows into the open notebook', async () => {
    const params = at('branches.ipynb');
    await putNotebook(plane, params, ['print("main")', 'print("same")']);
    const editor = await Editor.open(plane, params);
    await untilOnDisk(params.path, 'main');
    await untilInStep();
    await succeed(`git init -q -b main . && git config user.email a@b.example && git config user.name A
      git add branches.ipynb && git commit -qm first && git checkout -qb other
      sed -i 's/main/other/' branches.ipynb && git commit -qam second`);
    await editor.until(() => editor.text(0) === 'print("other")', 'the branch', 10_000);
    await succeed('git checkout -q main');
    await editor.until(() => editor.text(0) === 'print("main")', 'the other branch', 10_000);
    // Of the same cell, while the mirror has nothing on its way: the edit is what git then sees as a change.
    editor.source(1).insert(0, '# edited\n');
    await untilOnDisk(params.path, '# edited');
    expect(await succeed('git status --porcelain branches.ipynb')).toBe(' M branches.ipynb\n');
    await succeed('git commit -qam edited');

    await succeed(`rm -rf ~/remote.git ~/clone && git clone -q --bare . ~/remote.git && git clone -q ~/remote.git ~/clone
      git remote add origin ~/remote.git && git fetch -q && git branch -q -u origin/main
      cd ~/clone && git config user.email b@b.example && git config user.name B
      sed -i 's/main/pulled/' branches.ipynb && git commit -qam third && git push -q`);
    await succeed('git pull -q');
    await editor.until(() => editor.text(0) === 'print("pulled")', 'what was pulled', 10_000);
    expect(editor.text(1)).toBe('# edited\nprint("same")');
    await untilInStep();
    expect(await mirror()).toMatchObject({ problems: [], notices: [] });
    await editor.close();
  });

  test('a merge conflict is told of and loses nothing, and is over once it is solved', async () => {
    const params = at('conflict.ipynb');
    await putNotebook(plane, params, ['print("ours")']);
    const editor = await Editor.open(plane, params);
    await untilOnDisk(params.path, 'ours');
    await untilInStep();
    await succeed(`git add conflict.ipynb && git commit -qm base && git checkout -qb theirs
      sed -i 's/ours/theirs/' conflict.ipynb && git commit -qam theirs && git checkout -q main`);
    await untilInStep();
    await succeed(`sed -i 's/ours/mine/' conflict.ipynb && git commit -qam mine`);
    await editor.until(() => editor.text(0) === 'print("mine")', 'the commit', 10_000);
    expect((await shell('git merge theirs')).output).toContain('CONFLICT');
    await untilTrue(async () => (await mirror()).problems.length > 0, 'the conflict is told of', 15_000);
    expect((await mirror()).problems).toMatchObject([
      { path: 'conflict.ipynb', message: expect.stringContaining('is not a notebook') },
    ]);
    expect(editor.text(0)).toBe('print("mine")');
    // The notebook goes on without the file, which stays as git left it.
    editor.source(0).insert(0, '# still open\n');
    await editor.saved();
    expect(await succeed('grep -c "^<<<<<<<" conflict.ipynb')).toBe('1\n');
    await succeed('git checkout -q --theirs conflict.ipynb && git commit -qam solved');
    await untilTrue(async () => (await mirror()).problems.length === 0, 'nothing is wrong any more', 15_000);
    await untilInStep();
    const versions = await plane.client.listVersions({ params });
    const texts = await Promise.all(
      versions.map(async ({ version }) => (await plane.client.getVersion({ params: { ...params, version } })).text()),
    );
    for (const text of ['mine', 'theirs', 'still open']) expect(texts.some((one) => one.includes(text))).toBe(true);
    await editor.close();
  });
});
