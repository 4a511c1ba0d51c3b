import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { type ISessionContext, showErrorMessage } from '@jupyterlab/apputils';
import { type CodeCell, isCodeCellModel } from '@jupyterlab/cells';
import { INotebookCellExecutor, KernelError, runCell } from '@jupyterlab/notebook';
import type { YCodeCell } from '@jupyter/ydoc';
import { type LiveNotebook, problemOf } from '../documents/live-notebook.ts';
import type { LiveNotebooks } from '../documents/live-notebooks.ts';
import { ILiveNotebooks } from '../documents/live-notebooks.ts';
import type { EnvironmentGate } from '../environment/gate.ts';
import { IEnvironmentGate } from '../environment/gate.ts';
import { connectKernel } from './kernel-connection.ts';

type RunOptions = INotebookCellExecutor.IRunCellOptions;

const purpose = 'Start and run';
const mostAttempts = 3;

/** Cells of one notebook that were asked for in one go. */
interface Batch {
  readonly cells: RunOptions[];
  readonly asked: Promise<boolean>;
}

/**
 * Runs cells. Those of live notebooks are run by the server, which writes what comes of it into the document; others by
 * their kernel from here. Without a running environment a cell waits until it was started.
 *
 * INVARIANT: cells asked for in one go are one message, in the order they were asked for; the next go's message follows.
 */
class ServerExecutor implements INotebookCellExecutor {
  readonly #gate: EnvironmentGate;
  readonly #notebooks: LiveNotebooks;
  readonly #connecting = new WeakMap<object, Promise<boolean>>();
  readonly #batches = new WeakMap<LiveNotebook, Batch>();
  readonly #turns = new WeakMap<LiveNotebook, Promise<boolean>>();

  constructor(gate: EnvironmentGate, notebooks: LiveNotebooks) {
    this.#gate = gate;
    this.#notebooks = notebooks;
  }

  async runCell(options: RunOptions): Promise<boolean> {
    const { cell, sessionContext } = options;
    if (cell.model.type !== 'code' || sessionContext === undefined) return runCell(options);
    const notebook = this.#notebooks.of(options.notebook.sharedModel);
    // An empty cell starts nothing.
    if (cell.model.sharedModel.getSource().trim() === '') {
      cell.model.sharedModel.transact(() => (cell as CodeCell).model.clearExecution());
      return true;
    }
    return notebook === undefined ? this.#runHere(options, sessionContext) : this.#runOnServer(options, notebook);
  }

  async #runOnServer(options: RunOptions, notebook: LiveNotebook): Promise<boolean> {
    const { cell } = options;
    const isAccepted = await this.#batch(options, notebook).asked;
    if (!isAccepted || cell.isDisposed) return false;
    await ended(notebook, cell.model.sharedModel.getId());
    if (cell.isDisposed) return false;
    const error = errorOf(cell as CodeCell);
    options.onCellExecuted({ cell, success: error === undefined, error: error ?? null });
    return error === undefined;
  }

  #batch(options: RunOptions, notebook: LiveNotebook): Batch {
    const open = this.#batches.get(notebook);
    if (open !== undefined) {
      open.cells.push(options);
      return open;
    }
    const cells = [options];
    const batch = {
      cells,
      asked: Promise.resolve().then(() => {
        this.#batches.delete(notebook);
        return this.#askInTurn(cells, notebook);
      }),
    };
    this.#batches.set(notebook, batch);
    return batch;
  }

  /** @returns whether the server runs them */
  async #askInTurn(cells: readonly RunOptions[], notebook: LiveNotebook): Promise<boolean> {
    for (const { cell, onCellExecutionScheduled } of cells) {
      onCellExecutionScheduled({ cell });
      // What comes of it was asked for here. Said before, so that every window shows it as it comes.
      if (isCodeCellModel(cell.model)) cell.model.trusted = true;
      cell.setPrompt('*');
    }
    const before = this.#turns.get(notebook) ?? Promise.resolve(true);
    // Cells that wait behind others which are not run after all are not run either.
    const turn = before.then((isAccepted) => isAccepted && this.#ask(cells, notebook));
    this.#turns.set(notebook, turn);
    const isAccepted = await turn;
    if (this.#turns.get(notebook) === turn) this.#turns.delete(notebook);
    if (isAccepted) return true;
    for (const { cell, onCellExecuted } of cells) {
      if (cell.isDisposed) continue;
      if (notebook.execution(cell.model.id) === undefined) showCount(cell as CodeCell);
      onCellExecuted({ cell, success: false });
    }
    return false;
  }

  /** Never throws: what went wrong was said. */
  async #ask(cells: readonly RunOptions[], notebook: LiveNotebook): Promise<boolean> {
    const message = { type: 'run', cells: cells.map(({ cell }) => cell.model.sharedModel.getId()) };
    try {
      for (let attempts = 1; ; attempts += 1) {
        if (!notebook.room.isConnected) {
          throw new Error('Terrarium cannot be reached just now. Your edits are kept; run it again when it is back.');
        }
        const isThere = attempts === 1 ? this.#gate.pass(purpose) : this.#gate.start(purpose);
        if (!(await isThere)) return false;
        const problem = problemOf(await notebook.room.ask(message));
        if (problem === undefined) return true;
        // What is known here of the environment may be a moment old.
        if (problem.code !== 'EnvironmentPaused' || attempts === mostAttempts) throw new Error(problem.message);
      }
    } catch (error) {
      await showErrorMessage('The cell was not run', error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  async #runHere(options: RunOptions, sessionContext: ISessionContext): Promise<boolean> {
    if (sessionContext.session?.kernel && !sessionContext.isTerminating) return runCell(options);
    setState(options, 'running');
    const isConnected = await this.#connect(options);
    if (options.cell.isDisposed) return false;
    if (!isConnected) {
      setState(options, 'idle');
      return false;
    }
    return runCell(options);
  }

  #connect(options: RunOptions): Promise<boolean> {
    const { notebook, sessionContext, sessionDialogs } = options;
    if (sessionContext === undefined) return Promise.resolve(false);
    let connecting = this.#connecting.get(sessionContext);
    if (connecting === undefined) {
      connecting = this.#gate
        .pass(purpose)
        .then((isRunning) => isRunning && connectKernel(sessionContext, notebook, sessionDialogs))
        .catch(async (error: unknown) => {
          await showErrorMessage('The kernel did not start', error instanceof Error ? error.message : String(error));
          return false;
        })
        .finally(() => this.#connecting.delete(sessionContext));
      this.#connecting.set(sessionContext, connecting);
    }
    return connecting;
  }
}

/** Resolves when the cell is in no run any more. */
function ended(notebook: LiveNotebook, cellId: string): Promise<void> {
  if (notebook.execution(cellId) === undefined) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = notebook.onExecution(() => {
      if (notebook.execution(cellId) !== undefined) return;
      stop();
      resolve();
    });
  });
}

function errorOf(cell: CodeCell): KernelError | undefined {
  // The interface of shared cells is that of this one implementation.
  const outputs = (cell.model.sharedModel as unknown as YCodeCell).getOutputs();
  const error = outputs.findLast((output) => output['output_type'] === 'error');
  if (error === undefined) return undefined;
  const { ename, evalue, traceback } = error as { ename?: string; evalue?: string; traceback?: string[] };
  return new KernelError({
    status: 'error',
    execution_count: cell.model.executionCount ?? 0,
    ename: ename ?? 'Error',
    evalue: evalue ?? '',
    traceback: traceback ?? [],
  });
}

/** What the prompt says while the cell does not run. */
function showCount(cell: CodeCell): void {
  cell.setPrompt(String(cell.model.executionCount ?? ''));
}

function setState(options: RunOptions, state: 'running' | 'idle'): void {
  const { model } = options.cell;
  if (isCodeCellModel(model)) model.executionState = state;
}

export const executorPlugin: JupyterFrontEndPlugin<INotebookCellExecutor> = {
  id: 'terrarium:executor',
  description: 'Runs cells, starting the environment first when it is paused.',
  autoStart: true,
  provides: INotebookCellExecutor,
  requires: [IEnvironmentGate, ILiveNotebooks],
  activate: (_, gate: EnvironmentGate, notebooks: LiveNotebooks) => new ServerExecutor(gate, notebooks),
};
