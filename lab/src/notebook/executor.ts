import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { showErrorMessage } from '@jupyterlab/apputils';
import { type CodeCell, isCodeCellModel } from '@jupyterlab/cells';
import { INotebookCellExecutor, runCell } from '@jupyterlab/notebook';
import type { EnvironmentGate } from '../environment/gate.ts';
import { IEnvironmentGate } from '../environment/gate.ts';
import { connectKernel } from './kernel-connection.ts';

type RunOptions = INotebookCellExecutor.IRunCellOptions;

/**
 * Runs cells. Without a running environment a cell waits, shown as queued, until it was started.
 *
 * INVARIANT: cells asked for in one go wait on one promise and are sent in the order they were asked for.
 */
class WaitingExecutor implements INotebookCellExecutor {
  readonly #gate: EnvironmentGate;
  readonly #connecting = new WeakMap<object, Promise<boolean>>();

  constructor(gate: EnvironmentGate) {
    this.#gate = gate;
  }

  async runCell(options: RunOptions): Promise<boolean> {
    const { cell, sessionContext } = options;
    if (cell.model.type !== 'code' || sessionContext === undefined) return runCell(options);
    // An empty cell starts nothing.
    if (cell.model.sharedModel.getSource().trim() === '') {
      cell.model.sharedModel.transact(() => (cell as CodeCell).model.clearExecution());
      return true;
    }
    if (sessionContext.session?.kernel && !sessionContext.isTerminating) return runCell(options);
    setState(options, 'running');
    const isConnected = await this.#connect(options);
    if (cell.isDisposed) return false;
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
        .pass('Start and run')
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

function setState(options: RunOptions, state: 'running' | 'idle'): void {
  const { model } = options.cell;
  if (isCodeCellModel(model)) model.executionState = state;
}

export const executorPlugin: JupyterFrontEndPlugin<INotebookCellExecutor> = {
  id: 'terrarium:executor',
  description: 'Runs cells, starting the environment first when it is paused.',
  autoStart: true,
  provides: INotebookCellExecutor,
  requires: [IEnvironmentGate],
  activate: (_, gate: EnvironmentGate) => new WaitingExecutor(gate),
};
