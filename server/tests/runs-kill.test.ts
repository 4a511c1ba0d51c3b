import { afterAll, beforeAll, expect, test } from 'vitest';
import { createInstallation, untilTrue, type ControlPlane, type Installation } from '../testing/control-plane.ts';
import { Editor, putNotebook, runToEnd, storedOutputs, textOf, untilOver } from '../testing/live-notebook.ts';

const workspace = { namespace: 'my-project', name: 'getting-started' };
let installation: Installation;
let plane: ControlPlane;

beforeAll(async () => {
  installation = await createInstallation();
  plane = await installation.start();
  await putNotebook(plane, { ...workspace, path: 'first.ipynb' }, ['1']);
  await runToEnd(plane, { ...workspace, path: 'first.ipynb' });
});
afterAll(() => installation.remove());

const counting = (count: number, pause: number): string =>
  `import sys, time\nfor i in range(${String(count)}):\n    print(i, flush=True)\n    time.sleep(${String(pause)})`;
const numbers = (count: number): string => Array.from({ length: count }, (_, index) => `${String(index)}\n`).join('');

// Spread over the moments of a run: as it is queued, while cells change over, in mid-output, after the last one.
const someMoments = [0, 3, 10, 30, 60, 100, 150, 220, 300, 420, 700];
/** `npm run soak:documents` asks for 100, at random. */
const soakKills = Number(process.env['SOAK_KILLS'] ?? 0);
const moments = soakKills === 0 ? someMoments : Array.from({ length: soakKills }, () => Math.random() * 1000);

test(
  `a run is whole after kill -9 of the control plane at ${String(moments.length)} moments`,
  { timeout: 240_000 + soakKills * 20_000 },
  async () => {
    for (const [round, moment] of moments.entries()) {
      const params = { ...workspace, path: `killed-${String(round)}.ipynb` };
      await putNotebook(plane, params, [
        'import os; n = 0',
        'n += 1; print("once", n)',
        counting(60, 0.003),
        'n += 1; print("twice", n)',
        counting(20, 0.001),
      ]);
      // The kernel is there already in half of the rounds.
      if (round % 2 === 0) await runToEnd(plane, params, ['c0']);
      const { run } = await plane.client.startRun({ params, body: {} });
      await new Promise((resolve) => setTimeout(resolve, moment));
      await plane.kill();
      plane = await installation.start();
      const over = await untilOver(plane, params, run);
      expect(over, `killed after ${String(moment)} ms`).toMatchObject({ status: 'succeeded' });
      const outputs = await storedOutputs(plane, params);
      expect(outputs.map(textOf), `killed after ${String(moment)} ms`).toEqual([
        '',
        'once 1\n',
        numbers(60),
        'twice 2\n',
        numbers(20),
      ]);
      const first = over.cells[0]?.executionCount ?? 0;
      expect(over.cells.map(({ executionCount }) => executionCount)).toEqual(
        [0, 1, 2, 3, 4].map((next) => first + next),
      );
    }
  },
);

test('a cell goes on through many kills, and what is queued behind it is run', { timeout: 120_000 }, async () => {
  const params = { ...workspace, path: 'many.ipynb' };
  await putNotebook(plane, params, [`${counting(400, 0.02)}\nsys.stdout.write("50%\\r")`, 'print("behind")']);
  const { run } = await plane.client.startRun({ params, body: {} });
  let kills = 0;
  // On a slow machine the cell may end before the last of them.
  for (const isOver = async () => (await plane.client.getRun({ params: { ...params, run } })).endedAt !== null; ;) {
    const before = textOf((await storedOutputs(plane, params))[0]).length;
    const hasMore = async () => textOf((await storedOutputs(plane, params))[0]).length > before;
    await untilTrue(async () => (await hasMore()) || (await isOver()), 'more output');
    if (kills === 5 || (await isOver())) break;
    await plane.kill();
    plane = await installation.start();
    kills += 1;
  }
  expect(kills).toBeGreaterThan(1);
  expect(await untilOver(plane, params, run)).toMatchObject({ status: 'succeeded' });
  const [counted, behind] = await storedOutputs(plane, params);
  expect(textOf(counted)).toBe(`${numbers(400)}50%`);
  expect(textOf(behind)).toBe('behind\n');
});

test('input() waits through a restart for whoever comes back', async () => {
  const params = { ...workspace, path: 'asks.ipynb' };
  await putNotebook(plane, params, ['print("before")\nx = input("Who?")\nprint("Hi", x)', 'print("behind")']);
  const { run } = await plane.client.startRun({ params, body: {} });
  const editor = await Editor.open(plane, params);
  await editor.until(() => editor.execution('c0')?.state === 'input', 'the question');
  await plane.kill();
  plane = await installation.start();
  const back = await Editor.open(plane, params);
  // The kill may have come before the question was on disk; then it is read from the kernel's journal again.
  await back.until(() => back.execution('c0')?.state === 'input', 'the question again');
  expect(back.execution('c0')).toMatchObject({ state: 'input', run, input: { prompt: 'Who?', password: false } });
  expect(back.execution('c1')).toMatchObject({ state: 'queued', run });
  await untilTrue(
    () =>
      plane.client.answerInput({ params, body: { cell: 'c0', value: 'Ada' } }).then(
        () => true,
        () => false,
      ),
    'the answer is taken',
  );
  await back.untilEnded(run);
  expect(back.text('c0')).toBe('before\nWho? Ada\nHi Ada\n');
  expect(back.text('c1')).toBe('behind\n');
  await back.close();
});

test('a kernel that ended while the control plane was away ends its run', async () => {
  const params = { ...workspace, path: 'gone.ipynb' };
  await putNotebook(plane, params, [
    'import os, time; print("on", flush=True); time.sleep(1); os._exit(1)',
    'print("no")',
  ]);
  const { run } = await plane.client.startRun({ params, body: {} });
  await untilTrue(async () => textOf((await storedOutputs(plane, params))[0]) === 'on\n', 'the cell to run');
  await plane.kill();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  plane = await installation.start();
  expect(await untilOver(plane, params, run)).toMatchObject({
    status: 'failed',
    reason: 'Kernel python3 ended with exit code 1.',
  });
  const editor = await Editor.open(plane, params);
  expect(editor.doc.getMap('execution').size).toBe(0);
  expect(editor.text('c0')).toBe('on\nKernel python3 ended with exit code 1.\n');
  await editor.close();
});
