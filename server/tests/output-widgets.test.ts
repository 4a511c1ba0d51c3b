import * as Y from 'yjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createInstallation, untilTrue, type ControlPlane, type Installation } from '../testing/control-plane.ts';
import {
  Editor,
  putNotebook,
  runToEnd,
  storedOutputs,
  textOf,
  untilOver,
  type Output,
} from '../testing/live-notebook.ts';

const workspace = { namespace: 'my-project', name: 'getting-started' };
let installation: Installation;
let plane: ControlPlane;

beforeAll(async () => {
  installation = await createInstallation();
  plane = await installation.start();
});
afterAll(() => installation.remove());

const at = (path: string) => ({ ...workspace, path });
const begin = 'import ipywidgets as widgets\nout = widgets.Output()\nother = widgets.Output()';
const shownOf = (name: string) => `import json\nprint(json.dumps(${name}.outputs))`;

/** What a cell with `shownOf` printed. */
function printed(outputs: readonly Output[] = []): unknown {
  return JSON.parse(textOf(outputs));
}

interface Widget {
  readonly outputs: Output[];
  readonly isAhead: boolean;
}

/** What the document has of the kernel's Output widgets. */
function widgetsIn({ doc }: Editor): Widget[] {
  const widgets = [...doc.getMap('widgets').values()].filter((widget) => widget instanceof Y.Map);
  // Written by the control plane under test; a wrong shape fails the story that reads it.
  return widgets.map((widget) => widget.toJSON() as Widget);
}

test('what a cell says inside an Output widget is in the widget, with nobody watching, and not in the cell', async () => {
  const params = at('inside.ipynb');
  await putNotebook(plane, params, [
    begin,
    'with out:\n    print("inside")\n    display("shown")\nprint("outside")',
    shownOf('out'),
    'with out:\n    print("more")\n    1 / 0\nprint("goes on")',
    shownOf('out'),
    'out.clear_output()\nwith other:\n    with out:\n        print("inner")\n    print("outer")',
    'print(json.dumps([out.outputs, other.outputs]))',
    'out.append_stdout("set by the kernel")',
    'with out:\n    print("\\nand on")',
    shownOf('out'),
  ]);
  expect((await runToEnd(plane, params)).status).toBe('succeeded');
  const outputs = await storedOutputs(plane, params);
  const inside = [
    { output_type: 'stream', name: 'stdout', text: 'inside\n' },
    { output_type: 'display_data', data: { 'text/plain': "'shown'" }, metadata: {} },
  ];
  expect(textOf(outputs[1])).toBe('outside\n');
  expect(printed(outputs[2])).toEqual(inside);
  expect(textOf(outputs[3])).toBe('goes on\n');
  expect(printed(outputs[4])).toMatchObject([
    ...inside,
    { output_type: 'stream', text: 'more\n' },
    { output_type: 'error', ename: 'ZeroDivisionError' },
  ]);
  expect(outputs[5]).toEqual([]);
  expect(printed(outputs[6])).toMatchObject([[{ text: 'inner\n' }], [{ text: 'outer\n' }]]);
  expect(printed(outputs[9])).toMatchObject([{ text: 'inner\n' }, { text: 'set by the kernel\nand on\n' }]);
});

test('the first output of interact is in its widget, and what follows takes its place', async () => {
  const params = at('interact.ipynb');
  await putNotebook(plane, params, [
    'import ipywidgets as widgets\ndef square(x):\n    print("x is", x)\n    display(x * x)\n' +
      'shown = widgets.interactive(square, x=widgets.IntSlider(3))\nshown.update()',
    'import json\nprint(json.dumps(shown.out.outputs))',
    'shown.children[0].value = 5',
    'print(json.dumps(shown.out.outputs))',
  ]);
  expect((await runToEnd(plane, params)).status).toBe('succeeded');
  const outputs = await storedOutputs(plane, params);
  expect(outputs[0]).toEqual([]);
  expect(printed(outputs[1])).toMatchObject([{ text: 'x is 3\n' }, { data: { 'text/plain': '9' } }]);
  expect(outputs[2]).toEqual([]);
  expect(printed(outputs[3])).toMatchObject([{ text: 'x is 5\n' }, { data: { 'text/plain': '25' } }]);
});

test('who has the notebook open sees it grow while the kernel is busy, and the kernel knows it afterwards', async () => {
  const params = at('watched.ipynb');
  await putNotebook(plane, params, [
    `${begin}\nimport time\nwith out:\n    for n in range(20):\n        print("line", n, flush=True)\n        time.sleep(0.1)`,
  ]);
  const editor = await Editor.open(plane, params);
  const { run } = await editor.run(['c0']);
  await editor.until(() => /line 3/.test(textOf(widgetsIn(editor)[0]?.outputs)), 'the fourth line');
  expect(widgetsIn(editor)[0]?.isAhead).toBe(true);
  expect(editor.execution('c0')?.state).toBe('running');
  await editor.untilEnded(run);
  await editor.until(() => widgetsIn(editor)[0]?.isAhead === false, 'the kernel has it');
  expect(widgetsIn(editor)).toHaveLength(2);
  expect(editor.outputs('c0')).toEqual([]);
  await editor.close();
});

test('a kill of the control plane loses nothing that a widget shows, and doubles nothing', async () => {
  const params = at('killed.ipynb');
  const lines = Array.from({ length: 30 }, (_, n) => `line ${String(n)}\n`);
  await putNotebook(plane, params, [
    `${begin}\nimport time\nwith out:\n    for n in range(30):\n        print("line", n, flush=True)\n        time.sleep(0.1)\nprint("after")`,
    shownOf('out'),
  ]);
  const { run } = await plane.client.startRun({ params, body: {} });
  for (let kills = 0; kills < 2; kills += 1) {
    const editor = await Editor.open(plane, params);
    const reached = `line ${String(5 + 8 * kills)}\n`;
    await editor.until(() => textOf(widgetsIn(editor)[0]?.outputs).includes(reached), reached);
    await editor.close();
    await plane.kill();
    plane = await installation.start();
  }
  expect(await untilOver(plane, params, run)).toMatchObject({ status: 'succeeded' });
  const outputs = await storedOutputs(plane, params);
  expect(textOf(outputs[0])).toBe('after\n');
  expect(printed(outputs[1])).toMatchObject([{ text: lines.join('') }]);
});

test('widgets of a kernel that is restarted, or ended unseen, are forgotten', async () => {
  const params = at('forgotten.ipynb');
  await putNotebook(plane, params, [`${begin}\nwith out:\n    print("soon gone")`]);
  await runToEnd(plane, params);
  const editor = await Editor.open(plane, params);
  expect(textOf(widgetsIn(editor)[0]?.outputs)).toBe('soon gone\n');
  const door = `${plane.url}/jupyter/${workspace.namespace}/${workspace.name}/api`;
  const headersNow = () => ({ authorization: `Bearer ${plane.token}` });
  const headers = headersNow();
  const sessions = (await (await fetch(`${door}/sessions`, { headers })).json()) as {
    path: string;
    kernel: { id: string };
  }[];
  const kernel = sessions.find(({ path }) => path === `notebooks/${params.path}`)?.kernel.id ?? '';
  await fetch(`${door}/kernels/${kernel}/restart`, { method: 'POST', headers });
  await untilTrue(async () => widgetsIn(editor).length === 0, 'the widgets are gone', 10_000);
  await runToEnd(plane, params);
  await editor.until(() => widgetsIn(editor).length === 2, 'the new ones');
  // With nobody there to see it go.
  await plane.stop();
  plane = await installation.start();
  const ended = await fetch(`${door}/kernels/${kernel}`, { method: 'DELETE', headers: headersNow() });
  expect(ended.status).toBe(204);
  await runToEnd(plane, params);
  const again = await Editor.open(plane, params);
  expect(widgetsIn(again).map(({ outputs }) => textOf(outputs))).toEqual(expect.arrayContaining(['soon gone\n', '']));
  expect(widgetsIn(again)).toHaveLength(2);
  await again.close();
  await editor.close();
});
