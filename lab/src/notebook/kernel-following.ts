import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { ISessionContext } from '@jupyterlab/apputils';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import type { LiveNotebook } from '../documents/live-notebook.ts';
import type { LiveNotebooks } from '../documents/live-notebooks.ts';
import { ILiveNotebooks } from '../documents/live-notebooks.ts';
import type { EnvironmentWatch } from '../environment/environment-watch.ts';
import { IEnvironmentWatch } from '../environment/environment-watch.ts';
import { canEdit, workspace } from '../workspace.ts';
import { connectKernel, connectRunningKernel } from './kernel-connection.ts';

/**
 * Keeps notebooks and the environment together: while it runs, an opened notebook gets its kernel at once; when it
 * pauses, kernels are let go without a word, and the next run starts them again. While it sleeps they stay.
 */
export const kernelFollowingPlugin: JupyterFrontEndPlugin<void> = {
  id: 'terrarium:kernel-following',
  autoStart: true,
  requires: [INotebookTracker, IEnvironmentWatch, ILiveNotebooks],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    watch: EnvironmentWatch,
    liveNotebooks: LiveNotebooks,
  ) => {
    notebooks.widgetAdded.connect((_, panel) => {
      silencePausedErrors(panel.sessionContext, watch);
      void connectOpened(panel, watch);
      const notebook = liveNotebooks.of(panel.context.model.sharedModel);
      if (notebook !== undefined) connectWhenItRuns(panel, notebook, watch);
    });
    watch.reconnected.connect(() => {
      notebooks.forEach(reconnectKernel);
    });
    // Another window of this person may have started it.
    app.serviceManager.sessions.runningChanged.connect(() => {
      notebooks.forEach((panel) => void adoptKernel(panel, watch));
    });
    let wasRunning = watch.isRunning;
    let heldKernels = watch.holdsKernels;
    watch.changed.connect(() => {
      const isRunningAgain = watch.isRunning && !wasRunning;
      const isHeldThroughout = heldKernels && watch.holdsKernels;
      const isChanged = watch.holdsKernels !== heldKernels || (isRunningAgain && !isHeldThroughout);
      wasRunning = watch.isRunning;
      heldKernels = watch.holdsKernels;
      if (isChanged) void releaseOrRefresh(app);
      // Sockets may have been cut while it slept; the kernels behind them are the same.
      if (isRunningAgain && isHeldThroughout) notebooks.forEach(reconnectKernel);
    });
  },
};

async function connectOpened(panel: NotebookPanel, watch: EnvironmentWatch): Promise<void> {
  await panel.context.ready;
  await watch.known();
  if (!watch.isRunning || !workspace.canCompute || !canEdit || panel.isDisposed) return;
  await connectKernel(panel.sessionContext, panel.model, undefined).catch((error: unknown) => {
    // Nobody asked for this kernel yet; the next run tries again and explains.
    console.warn('The kernel did not start with the notebook.', error);
  });
}

/** The server starts the kernel for the first cell that is run. */
function connectWhenItRuns(panel: NotebookPanel, notebook: LiveNotebook, watch: EnvironmentWatch): void {
  const stop = notebook.onExecution((cellIds) => {
    const isOwnWork = [...cellIds].some((cellId) => {
      const execution = notebook.execution(cellId);
      return execution !== undefined && execution.state !== 'queued' && execution.accountId === workspace.accountId;
    });
    if (isOwnWork) void adoptKernel(panel, watch);
  });
  panel.disposed.connect(stop);
}

async function adoptKernel({ context, sessionContext }: NotebookPanel, watch: EnvironmentWatch): Promise<void> {
  if (!watch.isRunning || !context.isReady || sessionContext.isDisposed || sessionContext.session?.kernel) return;
  await connectRunningKernel(sessionContext).catch((error: unknown) => {
    // The next news of sessions, or the next run, tries again.
    console.warn('The kernel that runs for the notebook could not be connected yet.', error);
  });
}

/** A kernel's socket tries again after ever longer waits, up to half a minute; the server is back now. */
function reconnectKernel({ sessionContext }: NotebookPanel): void {
  const kernel = sessionContext.session?.kernel;
  if (!kernel || kernel.connectionStatus === 'connected') return;
  kernel.reconnect().catch((error: unknown) => {
    console.warn('The kernel could not be reached again yet.', error);
  });
}

/** Forgets kernels and terminals that ended with the environment, and learns of those that came with it. */
async function releaseOrRefresh({ serviceManager }: JupyterFrontEnd): Promise<void> {
  const { sessions, kernels, terminals, kernelspecs } = serviceManager;
  await Promise.allSettled([
    sessions.refreshRunning(),
    kernels.refreshRunning(),
    terminals.refreshRunning(),
    kernelspecs.refreshSpecs(),
  ]);
}

/** SessionContext explains a kernel that ended in a dialog, also when it ended because the environment was paused. */
function silencePausedErrors(context: ISessionContext, watch: EnvironmentWatch): void {
  const showError: unknown = Reflect.get(context, '_displayKernelError');
  if (typeof showError !== 'function') return;
  Reflect.set(context, '_displayKernelError', async (...about: unknown[]): Promise<void> => {
    await watch.refresh();
    if (watch.isRunning) await Reflect.apply(showError, context, about);
  });
}
