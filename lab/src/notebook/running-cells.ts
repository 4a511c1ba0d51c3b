import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { type Cell, CodeCell } from '@jupyterlab/cells';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import type { LiveNotebook } from '../documents/live-notebook.ts';
import type { LiveNotebooks } from '../documents/live-notebooks.ts';
import { ILiveNotebooks } from '../documents/live-notebooks.ts';
import { workspace } from '../workspace.ts';
import { InputFields } from './input-fields.ts';
import { followLivePanels } from './live-panels.ts';
import { describeExecution, describeTiming } from './run-description.ts';
import './running-cells.css';

const tickMs = 1_000;

/** Shows in each cell what the document knows of its execution: for how long it runs, for whom, and how long it took. */
export const runningCellsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'terrarium:running-cells',
  autoStart: true,
  requires: [INotebookTracker, ILiveNotebooks],
  activate: (_, tracker: INotebookTracker, notebooks: LiveNotebooks) => {
    followLivePanels(tracker, notebooks, follow);
  },
};

function follow(panel: NotebookPanel, notebook: LiveNotebook): void {
  const inputs = new InputFields(notebook);
  const followed = new WeakSet<object>();
  const cells = (): CodeCell[] => panel.content.widgets.filter((cell) => cell instanceof CodeCell);
  let ticking: number | undefined;

  const showRunning = (): void => {
    const running = notebook.executions();
    for (const cell of cells()) if (running.has(cell.model.id)) show(cell, notebook);
    if (running.size > 0) return;
    window.clearInterval(ticking);
    ticking = undefined;
  };
  const tick = (): void => {
    if (notebook.executions().size > 0) ticking ??= window.setInterval(showRunning, tickMs);
  };
  const followCells = (): void => {
    for (const cell of cells()) {
      if (followed.has(cell)) continue;
      followed.add(cell);
      cell.model.metadataChanged.connect((_, { key }) => {
        if (key === 'execution') show(cell, notebook);
      });
      showWhenDrawn(cell, notebook);
    }
    inputs.show(cells());
  };
  const stop = notebook.onExecution((changed) => {
    for (const cell of cells()) if (changed.has(cell.model.id)) showWhenDrawn(cell, notebook);
    inputs.show(cells());
    tick();
  });
  panel.content.model?.cells.changed.connect(() => {
    // The notebook makes its cells after it heard of the same change.
    queueMicrotask(() => {
      if (!panel.isDisposed) followCells();
    });
  });
  panel.disposed.connect(() => {
    stop();
    window.clearInterval(ticking);
  });
  followCells();
  tick();
}

/** A cell out of sight has nothing to show it on yet. */
function showWhenDrawn(cell: CodeCell, notebook: LiveNotebook): void {
  if (cell.inputArea === null) void cell.ready.then(() => show(cell, notebook));
  else show(cell, notebook);
}

function show(cell: CodeCell, notebook: LiveNotebook): void {
  const node = areaOf(cell);
  if (node === undefined) return;
  const execution = notebook.execution(cell.model.id);
  const text =
    execution === undefined
      ? describeTiming(cell.model.getMetadata('execution'))
      : describeExecution(execution, workspace.accountId, Date.now());
  if (text === undefined) {
    delete node.dataset['trRun'];
    delete node.dataset['trState'];
    return;
  }
  node.dataset['trRun'] = text;
  node.dataset['trState'] = execution?.state ?? 'done';
}

function areaOf(cell: Cell): HTMLElement | undefined {
  return cell.isDisposed ? undefined : cell.inputArea?.node;
}
