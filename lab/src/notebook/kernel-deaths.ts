import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { type ISessionContext, Notification } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';
import { fetchKernels } from '../environment/requests.ts';

/**
 * Says why a kernel ended that nobody had asked to end. JupyterLab's own dialog knows no reason and stands in the way of
 * what the cell says. What ended for want of memory is told of with the environment's use.
 */
export const kernelDeathsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'terrarium:kernel-deaths',
  autoStart: true,
  requires: [INotebookTracker],
  activate: (_: JupyterFrontEnd, notebooks: INotebookTracker) => {
    notebooks.widgetAdded.connect((_tracker, panel) => {
      silenceDialog(panel);
      let isTold = false;
      panel.sessionContext.statusChanged.connect((context, status) => {
        if (status === 'restarting') return;
        const isNew = status === 'autorestarting' && !isTold;
        isTold = status === 'autorestarting';
        if (isNew) void tell(context);
      });
    });
  },
};

type StatusListener = (context: ISessionContext, status: Kernel.Status) => void;

function silenceDialog(panel: NotebookPanel): void {
  const listener: unknown = Reflect.get(panel, '_onSessionStatusChanged');
  // As JupyterLab connects it.
  if (typeof listener === 'function') panel.sessionContext.statusChanged.disconnect(listener as StatusListener, panel);
}

async function tell({ session }: ISessionContext): Promise<void> {
  const id = session?.kernel?.id;
  const kernels = await fetchKernels().catch(() => []);
  const death = kernels.find((kernel) => kernel.id === id)?.death ?? null;
  if (death?.isOutOfMemory === true) return;
  const reason = death?.reason ?? 'It ended by itself.';
  const notebook = PathExt.basename(session?.path ?? '', '.ipynb');
  Notification.warning(`The kernel of "${notebook}" was restarted; its variables are lost. ${reason}`, {
    autoClose: false,
  });
}
