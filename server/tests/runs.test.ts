import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Run } from '@terrarium/contract';
import { createInstallation, untilTrue, type ControlPlane, type Installation } from '../testing/control-plane.ts';

const workspace = { namespace: 'my-project', name: 'getting-started' };
let installation: Installation;
let plane: ControlPlane;

beforeAll(async () => {
  installation = await createInstallation();
  plane = await installation.start();
});
afterAll(() => installation.remove());

async function putNotebook(path: string, sources: string[], kernel = 'python3'): Promise<void> {
  const cells = sources.map((source, index) => ({
    id: `c${String(index)}`,
    cell_type: 'code',
    source,
    metadata: {},
    outputs: [],
    execution_count: null,
  }));
  const language = kernel === 'ir' ? 'R' : 'python';
  const metadata = { kernelspec: { name: kernel, display_name: kernel, language } };
  const body = JSON.stringify({ cells, metadata, nbformat: 4, nbformat_minor: 5 });
  await plane.client.putNotebookContent({ params: { ...workspace, path }, body });
}

async function outputs(path: string): Promise<Record<string, unknown>[][]> {
  const response = await plane.client.getNotebookContent({ params: { ...workspace, path } });
  const { cells } = (await response.json()) as { cells: { outputs: Record<string, unknown>[] }[] };
  return cells.map((cell) => cell.outputs);
}

async function untilOver(path: string, run: string): Promise<Run> {
  let latest: Run | undefined;
  await untilTrue(async () => {
    latest = await plane.client.getRun({ params: { ...workspace, path, run } });
    return latest.endedAt !== null;
  }, 'the run is over');
  if (latest === undefined) throw new Error('no run');
  return latest;
}

test('a run over HTTP starts the environment, and its outputs are in the notebook with nobody connected', async () => {
  const path = 'headless.ipynb';
  await putNotebook(path, ['print("hello")', '6 * 7', '', '1 / 0', 'print("never")']);
  const { run } = await plane.client.startRun({ params: { ...workspace, path }, body: {} });
  const over = await untilOver(path, run);
  expect(over).toMatchObject({ status: 'failed', reason: 'ZeroDivisionError: division by zero' });
  expect(over.cells.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'succeeded', 'failed', 'skipped']);
  expect(over.cells.map(({ executionCount }) => executionCount)).toEqual([1, 2, null, 3, null]);
  const [first, second, empty, error, never] = await outputs(path);
  expect(first).toEqual([{ output_type: 'stream', name: 'stdout', text: ['hello\n'] }]);
  expect(second).toMatchObject([{ output_type: 'execute_result', execution_count: 2, data: { 'text/plain': ['42'] } }]);
  expect(empty).toEqual([]);
  expect(error).toMatchObject([{ output_type: 'error', ename: 'ZeroDivisionError' }]);
  expect(never).toEqual([]);
  expect(await plane.client.listRuns({ params: { ...workspace, path } })).toEqual([over]);
});
