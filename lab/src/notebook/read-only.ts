import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import type { LiveNotebook } from '../documents/live-notebook.ts';
import type { LiveNotebooks } from '../documents/live-notebooks.ts';
import { ILiveNotebooks } from '../documents/live-notebooks.ts';
import { followLivePanels } from './live-panels.ts';

/** Where a notebook may only be read, its editors take no text; they show what others type as it comes. */
export const readOnlyPlugin: JupyterFrontEndPlugin<void> = {
  id: 'terrarium:read-only',
  autoStart: true,
  requires: [INotebookTracker, ILiveNotebooks],
  activate: (_, tracker: INotebookTracker, notebooks: LiveNotebooks) => {
    followLivePanels(tracker, notebooks, follow);
  },
};

function follow(panel: NotebookPanel, notebook: LiveNotebook): void {
  const apply = (): void => {
    if (notebook.readOnlyReason === null || panel.isDisposed) return;
    for (const cell of panel.content.widgets) {
      // Otherwise it would be written into the notebook that nobody may edit this cell.
      cell.syncEditable = false;
      cell.readOnly = true;
    }
  };
  panel.content.model?.cells.changed.connect(() => queueMicrotask(apply));
  notebook.changed.connect(apply);
  panel.disposed.connect(() => notebook.changed.disconnect(apply));
  apply();
}
