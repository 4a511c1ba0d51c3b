import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { LiveNotebook } from '../documents/live-notebook.ts';
import type { LiveNotebooks } from '../documents/live-notebooks.ts';

/** Calls `follow` for each panel of a live notebook, once its content is there. */
export function followLivePanels(
  tracker: INotebookTracker,
  notebooks: LiveNotebooks,
  follow: (panel: NotebookPanel, notebook: LiveNotebook) => void,
): void {
  tracker.widgetAdded.connect((_, panel) => {
    const notebook = notebooks.of(panel.context.model.sharedModel);
    if (notebook === undefined) return;
    void panel.context.ready.then(() => {
      if (!panel.isDisposed) follow(panel, notebook);
    });
  });
}
