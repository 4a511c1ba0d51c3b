import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { CodeCell } from '@jupyterlab/cells';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { type Kernel, KernelMessage } from '@jupyterlab/services';
import { type Execution, fetchExecutions, fetchJournal } from './execution-journal.ts';
import { ReplayedExecution } from './replayed-execution.ts';

const pollMs = 2_000;
/** A save takes its content a moment before the store dates it; what ended in that moment is missing from it. */
const saveMarginMs = 5_000;

/**
 * Brings back the outputs of executions that this window did not ask for: those of a tab that was closed or reloaded
 * while its cells ran, from the agent's journal, and the rest of them live.
 */
export const restorePlugin: JupyterFrontEndPlugin<void> = {
  id: 'terrarium:restore',
  autoStart: true,
  requires: [INotebookTracker],
  activate: (_: JupyterFrontEnd, notebooks: INotebookTracker) => {
    notebooks.widgetAdded.connect((_tracker, panel) => {
      let followed: Kernel.IKernelConnection | undefined;
      const follow = (): void => {
        const kernel = panel.sessionContext.session?.kernel ?? undefined;
        if (kernel === undefined || kernel === followed) return;
        followed = kernel;
        void restore(panel, kernel).catch((error: unknown) => {
          if (!kernel.isDisposed) console.warn('Outputs of earlier runs could not be read.', error);
        });
      };
      panel.sessionContext.kernelChanged.connect(follow);
      void panel.context.ready.then(follow);
    });
  },
};

/**
 * INVARIANT: live messages are kept aside until the journal up to now was shown, so that each cell gets its messages in
 * order; a message that comes both ways is shown once.
 */
async function restore(panel: NotebookPanel, kernel: Kernel.IKernelConnection): Promise<void> {
  await panel.context.ready;
  const executions = new Map<string, ReplayedExecution>();
  let early: KernelMessage.IIOPubMessage[] | undefined = [];
  const onLive = (_: unknown, message: KernelMessage.IIOPubMessage): void => {
    const parent = message.parent_header;
    if (!('session' in parent) || parent.session === kernel.clientId) return;
    if (early === undefined) executions.get(parent.msg_id)?.show(message);
    else early.push(message);
  };
  const onStatus = (_: unknown, status: Kernel.Status): void => {
    if (!['restarting', 'autorestarting', 'dead', 'terminating'].includes(status)) return;
    for (const execution of executions.values()) execution.finish();
  };
  kernel.iopubMessage.connect(onLive);
  kernel.statusChanged.connect(onStatus);
  try {
    await connected(kernel);
    const known = await fetchExecutions(kernel.serverSettings, kernel.id);
    for (const { cell, execution } of lost(panel, known)) {
      executions.set(execution.msgId, new ReplayedExecution(execution, cell, kernel));
    }
    await Promise.all([...executions.values()].map((execution) => catchUp(execution, kernel)));
    const kept = early;
    early = undefined;
    for (const message of kept) onLive(kernel, message);
    await followToTheEnd([...executions.values()], kernel, panel);
  } finally {
    kernel.iopubMessage.disconnect(onLive);
    kernel.statusChanged.disconnect(onStatus);
  }
}

/** Each cell's latest execution, where the notebook as it was saved cannot have its outputs. */
function lost(panel: NotebookPanel, known: readonly Execution[]): { cell: CodeCell; execution: Execution }[] {
  const savedAt = Date.parse(panel.context.contentsModel?.last_modified ?? '') || 0;
  const latest = new Map(known.map((execution) => [execution.cellId, execution]));
  return panel.content.widgets.flatMap((cell) => {
    if (!(cell instanceof CodeCell)) return [];
    const execution = latest.get(cell.model.sharedModel.getId());
    if (execution === undefined) return [];
    // This window's own executions are shown already.
    if (cell.outputArea.future?.msg.header.msg_id === execution.msgId) return [];
    const isCovered = execution.state === 'done' && (execution.endedAt ?? 0) < savedAt - saveMarginMs;
    return isCovered ? [] : [{ cell, execution }];
  });
}

async function catchUp(execution: ReplayedExecution, kernel: Kernel.IKernelConnection): Promise<void> {
  const lines = await fetchJournal(kernel.serverSettings, kernel.id, {
    after: execution.lastSeq,
    parent: execution.msgId,
  });
  for (const line of lines) execution.showLine(line);
  const last = lines.findLast((line) => line.direction === 'out');
  if (last === undefined || !KernelMessage.isInputRequestMsg(last.message)) return;
  const since = await fetchJournal(kernel.serverSettings, kernel.id, { after: last.seq });
  const isAnswered = since.some((line) => line.direction === 'in' && line.message.header.msg_type === 'input_reply');
  if (!isAnswered) execution.askForInput(last.message);
}

/** Outputs come live; questions to the person and the end of a lost connection come only by asking. */
async function followToTheEnd(
  executions: readonly ReplayedExecution[],
  kernel: Kernel.IKernelConnection,
  panel: NotebookPanel,
): Promise<void> {
  for (;;) {
    const open = executions.filter((execution) => !execution.isDone && !execution.isReplaced);
    if (open.length === 0) return;
    await new Promise((resolve) => window.setTimeout(resolve, pollMs));
    if (kernel.isDisposed || panel.isDisposed) {
      for (const execution of open) execution.finish();
      return;
    }
    if (kernel.connectionStatus !== 'connected') continue;
    await Promise.all(open.map((execution) => catchUp(execution, kernel).catch(() => undefined)));
  }
}

function connected(kernel: Kernel.IKernelConnection): Promise<void> {
  if (kernel.connectionStatus === 'connected') return Promise.resolve();
  return new Promise((resolve) => {
    const check = (): void => {
      if (kernel.connectionStatus !== 'connected' && !kernel.isDisposed) return;
      kernel.connectionStatusChanged.disconnect(check);
      resolve();
    };
    kernel.connectionStatusChanged.connect(check);
    kernel.disposed.connect(check);
  });
}
