import type * as Y from 'yjs';
import type { Run } from '@terrarium/contract';
import { RoomClient } from '../documents/testing-client.ts';
import { untilTrue, type ControlPlane } from './control-plane.ts';

/** How the control plane is reached. */
type Door = Pick<ControlPlane, 'url' | 'token' | 'client'>;

export interface NotebookParams {
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
}

export type Output = Record<string, unknown>;

export interface CellState {
  readonly state: string;
  readonly run: string;
  readonly kernel: string | null;
  readonly input?: { readonly prompt: string; readonly password: boolean };
}

/** Stores a notebook of code cells `c0`, `c1` and so on. */
export async function putNotebook(
  plane: Door,
  params: NotebookParams,
  cells: readonly (string | { source: string; cell_type?: string; metadata?: object })[],
  metadata: object = { kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' } },
): Promise<void> {
  const full = cells.map((given, index) => {
    const { source, cell_type = 'code', metadata = {} } = typeof given === 'string' ? { source: given } : given;
    const code = cell_type === 'code' ? { outputs: [], execution_count: null } : {};
    return { id: `c${String(index)}`, cell_type, source, metadata, ...code };
  });
  const body = JSON.stringify({ cells: full, metadata, nbformat: 4, nbformat_minor: 5 });
  await plane.client.putNotebookContent({ params, body });
}

/** The outputs that the stored notebook has, cell by cell. */
export async function storedOutputs(plane: Door, params: NotebookParams): Promise<Output[][]> {
  const response = await plane.client.getNotebookContent({ params });
  const { cells } = (await response.json()) as { cells: { outputs?: Output[] }[] };
  return cells.map(({ outputs = [] }) => outputs);
}

export function textOf(outputs: readonly Output[] = []): string {
  return outputs
    .map(({ text }) => (Array.isArray(text) ? text.join('') : typeof text === 'string' ? text : ''))
    .join('');
}

export async function untilOver(plane: Door, params: NotebookParams, run: string): Promise<Run> {
  let latest: Run | undefined;
  await untilTrue(async () => {
    latest = await plane.client.getRun({ params: { ...params, run } });
    return latest.endedAt !== null;
  }, `run ${run} is over`);
  if (latest === undefined) throw new Error('A run that is over is there.');
  return latest;
}

/** Runs cells, all when none are named, and waits for the end. */
export async function runToEnd(plane: Door, params: NotebookParams, cells?: string[]): Promise<Run> {
  const { run } = await plane.client.startRun({ params, body: cells === undefined ? {} : { cells } });
  return untilOver(plane, params, run);
}

/** Somebody who has the notebook open. */
export class Editor extends RoomClient {
  #requests = 0;

  static async open(plane: Door, params: NotebookParams): Promise<Editor> {
    const { namespace, name, path } = params;
    const door = `${plane.url}/jupyter/${namespace}/${name}`;
    const authorization = `Bearer ${plane.token}`;
    const response = await fetch(`${door}/api/collaboration/session/notebooks/${path}`, {
      method: 'PUT',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ format: 'json', type: 'notebook' }),
    });
    const { fileId, sessionId } = (await response.json()) as { fileId: string; sessionId: string };
    const room = `${door.replace(/^http/, 'ws')}/api/collaboration/room/json:notebook:${fileId}`;
    const editor = new Editor(`${room}?sessionId=${sessionId}&terrarium=1`, { authorization });
    await editor.synced();
    return editor;
  }

  /** Asks for a run; resolves with the answer. */
  async run(cells: string[]): Promise<Record<string, unknown>> {
    const request = ++this.#requests;
    this.say({ type: 'run', request, cells });
    const answer = () => this.notices.find((notice) => notice['type'] === 'run' && notice['request'] === request);
    await this.until(() => answer() !== undefined, 'an answer to the run');
    return answer() ?? {};
  }

  cell(id: string): Y.Map<unknown> {
    const cells = this.doc.getArray<Y.Map<unknown>>('cells').toArray();
    const cell = cells.find((one) => one.get('id') === id);
    if (cell === undefined) throw new Error(`There is no cell ${id}.`);
    return cell;
  }

  outputs(id: string): Output[] {
    return (this.cell(id).get('outputs') as Y.Array<unknown>).toJSON() as Output[];
  }

  override text(id: string | number): string {
    return typeof id === 'number' ? super.text(id) : textOf(this.outputs(id));
  }

  execution(id: string): CellState | undefined {
    return this.doc.getMap('execution').get(id) as CellState | undefined;
  }

  ended(run: unknown): Record<string, unknown> | undefined {
    return this.notices.find((notice) => notice['type'] === 'run-ended' && notice['run'] === run);
  }

  async untilEnded(run: unknown): Promise<Record<string, unknown>> {
    await this.until(() => this.ended(run) !== undefined, `the end of run ${String(run)}`, 60_000);
    return this.ended(run) ?? {};
  }
}
