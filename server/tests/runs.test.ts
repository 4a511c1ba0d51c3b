import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createInstallation, paramsOf, untilStatus, untilTrue } from '../testing/control-plane.ts';
import type { ControlPlane, Installation } from '../testing/control-plane.ts';
import { Editor, putNotebook, runToEnd, storedOutputs, textOf, untilOver } from '../testing/live-notebook.ts';

const workspace = { namespace: 'my-project', name: 'getting-started' };
let installation: Installation;
let plane: ControlPlane;

beforeAll(async () => {
  installation = await createInstallation();
  plane = await installation.start();
});
afterAll(() => installation.remove());

const at = (path: string) => ({ ...workspace, path });

/** The kernel of a notebook through the workspace's door, as JupyterLab reaches it. */
async function door(method: string, path: string): Promise<unknown> {
  const response = await fetch(`${plane.url}/jupyter/${workspace.namespace}/${workspace.name}${path}`, {
    method,
    headers: { authorization: `Bearer ${plane.token}`, 'content-type': 'application/json' },
    ...(method === 'POST' ? { body: '{}' } : {}),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${String(response.status)} ${text}`);
  return text === '' ? null : JSON.parse(text);
}

async function kernelOf(path: string): Promise<string> {
  const sessions = (await door('GET', '/api/sessions')) as { path: string; kernel: { id: string } }[];
  return sessions.find((session) => session.path === `notebooks/${path}`)?.kernel.id ?? '';
}

test('in a room, a run of a paused environment is refused, so that the price can be asked about first', async () => {
  const params = at('paused.ipynb');
  await putNotebook(plane, params, ['1']);
  const editor = await Editor.open(plane, params);
  expect(await editor.run(['c0'])).toMatchObject({
    error: {
      code: 'EnvironmentPaused',
      message: 'There is no Cloud Environment in this workspace yet. Start one to run code.',
    },
  });
  await editor.close();
});

test('a run over HTTP starts the environment, and its outputs are in the notebook with nobody connected', async () => {
  const params = at('headless.ipynb');
  await putNotebook(plane, params, ['print("hello")', '6 * 7', '', '1 / 0', 'print("never")']);
  const over = await runToEnd(plane, params);
  expect(over).toMatchObject({ status: 'failed', reason: 'ZeroDivisionError: division by zero' });
  expect(over.cells.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'succeeded', 'failed', 'skipped']);
  expect(over.cells.map(({ executionCount }) => executionCount)).toEqual([1, 2, null, 3, null]);
  expect(over.cells[3]?.error).toEqual({ name: 'ZeroDivisionError', message: 'division by zero' });
  const [first, second, empty, error, never] = await storedOutputs(plane, params);
  expect(first).toEqual([{ output_type: 'stream', name: 'stdout', text: ['hello\n'] }]);
  expect(second).toMatchObject([{ output_type: 'execute_result', execution_count: 2, data: { 'text/plain': ['42'] } }]);
  expect(empty).toEqual([]);
  expect(error).toMatchObject([{ output_type: 'error', ename: 'ZeroDivisionError' }]);
  expect(never).toEqual([]);
  expect(await plane.client.listRuns({ params })).toEqual([over]);
});

describe('what cells show', () => {
  test('progress bars, displays that change, clear_output, images and errors are as in JupyterLab', async () => {
    const params = at('shows.ipynb');
    await putNotebook(plane, params, [
      'import sys, time\nfor i in range(0, 101, 5):\n    sys.stdout.write(f"\\r{i}%"); sys.stdout.flush(); time.sleep(0.01)\nprint(" done")',
      'from IPython.display import display, HTML, clear_output\nhandle = display(HTML("<b>old</b>"), display_id="one")\nprint("below")',
      'handle.update(HTML("<b>new</b>"))',
      'for i in range(20):\n    clear_output(wait=True)\n    print("round", i)',
      'import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()',
      'print("out", flush=True); sys.stderr.write("err\\n"); sys.stderr.flush(); print("out again")',
      { source: 'raise KeyError("no such key")', metadata: { tags: ['raises-exception'] } },
      '_ = display(HTML("again"), display_id="one")',
    ]);
    const over = await runToEnd(plane, params);
    // A cell that is expected to fail stops nothing.
    expect(over.status).toBe('succeeded');
    expect(over.cells.map(({ status }) => status).slice(-2)).toEqual(['failed', 'succeeded']);
    const outputs = await storedOutputs(plane, params);
    expect(textOf(outputs[0])).toBe('100% done\n');
    expect(outputs[1]).toMatchObject([{ data: { 'text/html': ['again'] } }, { text: ['below\n'] }]);
    expect(outputs[2]).toEqual([]);
    expect(outputs[3]).toEqual([{ output_type: 'stream', name: 'stdout', text: ['round 19\n'] }]);
    expect(outputs[4]?.[0]).toMatchObject({ output_type: 'display_data', data: { 'image/png': expect.any(String) } });
    expect(outputs[5]).toMatchObject([
      { text: ['out\n'] },
      { name: 'stderr', text: ['err\n'] },
      { text: ['out again\n'] },
    ]);
    expect(outputs[6]).toMatchObject([{ ename: 'KeyError', traceback: expect.any(Array) }]);
    expect(outputs[7]).toMatchObject([{ output_type: 'display_data', data: { 'text/html': ['again'] }, metadata: {} }]);
    const { cells } = (await (await plane.client.getNotebookContent({ params })).json()) as {
      cells: { metadata: { execution: object } }[];
    };
    expect(Object.keys(cells[1]?.metadata.execution ?? {}).sort()).toEqual([
      'iopub.execute_input',
      'iopub.status.busy',
      'iopub.status.idle',
      'shell.execute_reply',
      'shell.execute_reply.started',
    ]);
  });

  test('a flood arrives whole, in few changes, and another editor sees it', async () => {
    const params = at('flood.ipynb');
    await putNotebook(plane, params, ['for i in range(50000): print(i)']);
    const editor = await Editor.open(plane, params);
    let changes = 0;
    editor.doc.on('update', () => (changes += 1));
    const { run } = await editor.run(['c0']);
    expect(await editor.untilEnded(run)).toMatchObject({ status: 'succeeded', reason: null });
    expect(editor.text('c0')).toBe(Array.from({ length: 50_000 }, (_, index) => `${String(index)}\n`).join(''));
    expect(changes).toBeLessThan(200);
    await editor.close();
  });

  test('what a thread says after its cell has ended is shown as well', async () => {
    const params = at('thread.ipynb');
    const code =
      'import threading, time\ndef late():\n    time.sleep(0.5); print("late")\nthreading.Thread(target=late).start()';
    await putNotebook(plane, params, [code]);
    const editor = await Editor.open(plane, params);
    expect(await runToEnd(plane, params)).toMatchObject({ status: 'succeeded' });
    await editor.until(() => editor.text('c0') === 'late\n', 'the late output');
    await editor.close();
  });

  test('%load replaces the source, and ? shows its page', async () => {
    const params = at('payload.ipynb');
    await putNotebook(plane, params, ['%%writefile loaded.py\nx = 1', '%load loaded.py', 'len?']);
    await runToEnd(plane, params);
    const editor = await Editor.open(plane, params);
    expect(String(editor.cell('c1').get('source'))).toContain('x = 1');
    expect(JSON.stringify(editor.outputs('c2'))).toContain('number of items');
    await editor.close();
  });
});

describe('input()', () => {
  test('waits visibly and takes its answer over a room or over HTTP', async () => {
    const params = at('input.ipynb');
    await putNotebook(plane, params, [
      'print("before")\nname = input("Name?")\nprint("Hello", name)',
      'import getpass\nlen(getpass.getpass("Key:"))',
    ]);
    const editor = await Editor.open(plane, params);
    const { run } = await editor.run(['c0', 'c1']);
    await editor.until(() => editor.execution('c0')?.state === 'input', 'the question');
    expect(editor.execution('c0')?.input).toEqual({ prompt: 'Name?', password: false });
    await editor.until(() => editor.text('c0') === 'before\n', 'what was printed before');
    expect(editor.execution('c1')?.state).toBe('queued');
    editor.say({ type: 'input', cell: 'c0', value: 'Ada' });
    await editor.until(() => editor.execution('c1')?.state === 'input', 'the second question');
    expect(editor.execution('c1')?.input?.password).toBe(true);
    expect(editor.text('c0')).toBe('before\nName? Ada\nHello Ada\n');
    await plane.client.answerInput({ params, body: { cell: 'c1', value: 'secret' } });
    await editor.untilEnded(run);
    expect(editor.text('c1')).toBe('Key: ········\n');
    expect(editor.outputs('c1')[1]).toMatchObject({ data: { 'text/plain': '6' } });
    expect(editor.execution('c1')).toBeUndefined();
    await expect(plane.client.answerInput({ params, body: { cell: 'c1', value: 'x' } })).rejects.toMatchObject({
      code: 'NotPossibleNow',
    });
    await editor.close();
  });
});

describe('the queue', () => {
  test('runs cells in the order asked for, with their source as it is when their turn comes', async () => {
    const params = at('queue.ipynb');
    await putNotebook(plane, params, [
      'import time; time.sleep(0.5); print("one")',
      'print("two")',
      { source: '# text', cell_type: 'markdown' },
    ]);
    const editor = await Editor.open(plane, params);
    const first = await editor.run(['c0']);
    const second = await editor.run(['c1', 'c2']);
    expect([editor.execution('c0')?.run, editor.execution('c1')?.run]).toEqual([first['run'], second['run']]);
    await editor.until(() => editor.execution('c0')?.state === 'running', 'the first cell to run');
    expect(editor.execution('c1')?.state).toBe('queued');
    expect(editor.cell('c1').get('execution_state')).toBe('running');
    editor.source(1).insert(0, 'print("edited")\n');
    await editor.untilEnded(second['run']);
    expect(editor.text('c1')).toBe('edited\ntwo\n');
    expect([editor.cell('c0').get('execution_count'), editor.cell('c1').get('execution_count')]).toEqual([1, 2]);
    expect(editor.cell('c1').get('execution_state')).toBe('idle');
    expect(editor.doc.getMap('execution').size).toBe(0);
    await editor.close();
  });

  test('refuses a cell that is not there', async () => {
    const params = at('unknown.ipynb');
    await putNotebook(plane, params, ['1']);
    await expect(plane.client.startRun({ params, body: { cells: ['nope'] } })).rejects.toMatchObject({
      code: 'InvalidInput',
      message: 'There is no cell "nope" in this notebook.',
    });
    expect(await plane.client.listRuns({ params })).toEqual([]);
  });

  test('is emptied by a cell that fails, and takes what is asked for after that', async () => {
    const params = at('fails.ipynb');
    await putNotebook(plane, params, ['import time\ntime.sleep(1)\n1 / 0', 'print("meant to follow")']);
    const first = await plane.client.startRun({ params, body: { cells: ['c0'] } });
    const later = await plane.client.startRun({ params, body: { cells: ['c1'] } });
    expect(await untilOver(plane, params, first.run)).toMatchObject({ status: 'failed' });
    expect(await untilOver(plane, params, later.run)).toMatchObject({
      status: 'interrupted',
      reason: 'A cell that ran before it failed.',
    });
    expect(await storedOutputs(plane, params)).toMatchObject([[{ ename: 'ZeroDivisionError' }], []]);
    const again = await plane.client.startRun({ params, body: { cells: ['c1'] } });
    expect(await untilOver(plane, params, again.run)).toMatchObject({ status: 'succeeded' });
  });

  test('is emptied by an interrupt, from the API and from JupyterLab', async () => {
    const params = at('interrupt.ipynb');
    await putNotebook(plane, params, ['import time\nprint("on")\ntime.sleep(60)', 'print("no")']);
    const editor = await Editor.open(plane, params);
    for (const interrupt of [
      async (run: string) => void (await plane.client.interruptRun({ params: { ...params, run } })),
      async () => void (await door('POST', `/api/kernels/${await kernelOf(params.path)}/interrupt`)),
    ]) {
      const { run } = await plane.client.startRun({ params, body: {} });
      const later = await plane.client.startRun({ params, body: { cells: ['c1'] } });
      await editor.until(() => editor.text('c0') === 'on\n' && editor.execution('c0')?.run === run, 'the cell to run');
      await interrupt(run);
      const over = await untilOver(plane, params, run);
      expect(over).toMatchObject({ status: 'interrupted', reason: 'It was interrupted.' });
      expect(over.cells.map(({ status }) => status)).toEqual(['interrupted', 'interrupted']);
      expect(await untilOver(plane, params, later.run)).toMatchObject({ status: 'interrupted' });
      expect(editor.outputs('c0').at(-1)).toMatchObject({ ename: 'KeyboardInterrupt' });
      expect(editor.outputs('c1')).toEqual([]);
      expect(editor.doc.getMap('execution').size).toBe(0);
      await expect(plane.client.interruptRun({ params: { ...params, run } })).rejects.toMatchObject({
        code: 'NotPossibleNow',
      });
    }
    await editor.close();
  });
});

describe('the kernel', () => {
  test('is that of the session which JupyterLab finds by the path', async () => {
    const params = at('same kernel.ipynb');
    await putNotebook(plane, params, ['import os; print(os.getcwd())']);
    await runToEnd(plane, params);
    const sessions = (await door('GET', '/api/sessions')) as { path: string }[];
    expect(sessions.filter(({ path }) => path === 'notebooks/same kernel.ipynb')).toHaveLength(1);
    const before = await kernelOf(params.path);
    await plane.client.renameNotebook({ params, body: { to: 'renamed.ipynb' } });
    await untilTrue(async () => (await kernelOf('renamed.ipynb')) === before, 'the session follows');
    expect(await runToEnd(plane, at('renamed.ipynb'))).toMatchObject({ status: 'succeeded' });
    expect(await kernelOf('renamed.ipynb')).toBe(before);
  });

  test('that dies ends the run with the reason, and the next run has a new one', async () => {
    const params = at('death.ipynb');
    await putNotebook(plane, params, ['import os; x = 1', 'os._exit(3)', 'print("no")', 'print("x" in globals())']);
    const over = await runToEnd(plane, params);
    expect(over).toMatchObject({ status: 'failed', reason: 'Kernel python3 ended with exit code 3.' });
    expect(over.cells.map(({ status }) => status)).toEqual(['succeeded', 'failed', 'skipped', 'skipped']);
    expect(textOf((await storedOutputs(plane, params))[1])).toBe('Kernel python3 ended with exit code 3.\n');
    expect(await runToEnd(plane, params, ['c3'])).toMatchObject({ status: 'succeeded' });
    expect(textOf((await storedOutputs(plane, params))[3])).toBe('False\n');
  });

  test.each([
    ['restarted', 'POST', (id: string) => `/api/kernels/${id}/restart`, 'The kernel was restarted.'],
    ['shut down', 'DELETE', (id: string) => `/api/kernels/${id}`, 'The kernel was shut down.'],
  ])('that is %s ends what runs and what waits', async (word, method, path, reason) => {
    const params = at(`${word}.ipynb`);
    await putNotebook(plane, params, ['import time; print("on"); time.sleep(60)', 'print("yes")']);
    const editor = await Editor.open(plane, params);
    const { run } = await plane.client.startRun({ params, body: {} });
    await editor.until(() => editor.text('c0') === 'on\n', 'the cell to run');
    await door(method, path(await kernelOf(params.path)));
    const over = await untilOver(plane, params, run);
    expect(over).toMatchObject({ status: 'interrupted', reason });
    expect(over.cells.map(({ status }) => status)).toEqual(['interrupted', 'interrupted']);
    expect(editor.doc.getMap('execution').size).toBe(0);
    expect(await runToEnd(plane, params, ['c1'])).toMatchObject({ status: 'succeeded' });
    await editor.close();
  });

  test('that the environment does not have is replaced where one is plainly meant, and people are told', async () => {
    const params = at('other kernel.ipynb');
    await putNotebook(plane, params, ['print(1)'], {
      kernelspec: { name: 'conda-base', display_name: 'Base', language: 'python' },
      language_info: { name: 'python' },
    });
    const editor = await Editor.open(plane, params);
    const over = await runToEnd(plane, params);
    const notice =
      'This notebook asks for the kernel "conda-base", which the environment does not have. It runs on "Python 3", the only kernel here for python.';
    expect(over).toMatchObject({ status: 'succeeded', reason: notice });
    expect(editor.notices).toContainEqual({ type: 'notice', message: notice });
    await editor.close();
  });

  test('that is nowhere is named in the notebook, with those that are there', async () => {
    const params = at('julia.ipynb');
    await putNotebook(plane, params, ['1', '2'], {
      kernelspec: { name: 'julia-1.9', display_name: 'Julia', language: 'julia' },
      language_info: { name: 'julia' },
    });
    const over = await runToEnd(plane, params);
    expect(over.status).toBe('failed');
    expect(over.reason).toMatch(/^This notebook asks for the kernel "julia-1.9", .* Choose one that it has/);
    expect(over.cells.map(({ status }) => status)).toEqual(['failed', 'skipped']);
    expect((await storedOutputs(plane, params))[0]).toMatchObject([{ output_type: 'error', evalue: over.reason }]);
  });

  test('of R runs, fails, is interrupted and asks', async () => {
    const params = at('r.ipynb');
    const metadata = { kernelspec: { name: 'ir', display_name: 'R', language: 'R' } };
    await putNotebook(
      plane,
      params,
      ['cat("hello\\n"); 1 + 1', 'stop("no")', 'cat("on\\n"); Sys.sleep(60)', 'x <- readline("Who? "); cat("Hi", x)'],
      metadata,
    );
    expect(await runToEnd(plane, params, ['c0'])).toMatchObject({ status: 'succeeded' });
    expect(await runToEnd(plane, params, ['c1', 'c0'])).toMatchObject({ status: 'failed' });
    const editor = await Editor.open(plane, params);
    expect(editor.outputs('c0')).toMatchObject([{ text: 'hello\n' }, { data: { 'text/plain': '[1] 2' } }]);
    const { run } = await plane.client.startRun({ params, body: { cells: ['c2', 'c0'] } });
    await editor.until(() => editor.text('c2') === 'on\n', 'the cell to run');
    await plane.client.interruptRun({ params: { ...params, run } });
    expect(await untilOver(plane, params, run)).toMatchObject({ status: 'interrupted' });
    const asking = await plane.client.startRun({ params, body: { cells: ['c3'] } });
    await editor.until(() => editor.execution('c3')?.state === 'input', 'the question');
    editor.say({ type: 'input', cell: 'c3', value: 'Ada' });
    expect(await untilOver(plane, params, asking.run)).toMatchObject({ status: 'succeeded' });
    expect(editor.text('c3')).toBe('Who?  Ada\nHi Ada');
    await editor.close();
  });
});

test('pausing the environment ends the run and says so in the cell', async () => {
  const params = at('pause.ipynb');
  await putNotebook(plane, params, ['import time; print("on"); time.sleep(60)', 'print("no")']);
  const editor = await Editor.open(plane, params);
  const { run } = await plane.client.startRun({ params, body: {} });
  await editor.until(() => editor.text('c0') === 'on\n', 'the cell to run');
  const [environment] = await plane.client.listAllEnvironments();
  if (environment === undefined) throw new Error('There is an environment.');
  await plane.client.stopEnvironment({ params: paramsOf(environment) });
  const over = await untilOver(plane, params, run);
  expect(over).toMatchObject({ status: 'interrupted', reason: 'The Cloud Environment was paused.' });
  expect(editor.outputs('c0').at(-1)).toMatchObject({
    output_type: 'error',
    evalue: 'The Cloud Environment was paused.',
  });
  expect(editor.doc.getMap('execution').size).toBe(0);
  await untilStatus(plane.client, environment, 'Stopped');
  await untilTrue(async () => (await editor.run(['c0']))['error'] !== undefined, 'a refusal');
  await editor.close();
});
