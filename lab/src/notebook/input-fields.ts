import type { CodeCell } from '@jupyterlab/cells';
import { Stdin } from '@jupyterlab/outputarea';
import { KernelMessage } from '@jupyterlab/services';
import { Panel } from '@lumino/widgets';
import type { ExecutionOfCell, LiveNotebook } from '../documents/live-notebook.ts';
import { workspace } from '../workspace.ts';

/** The fields in which a person answers what their kernel asks with `input()`, below the cells that ask. */
export class InputFields {
  readonly #notebook: LiveNotebook;
  readonly #open = new Map<string, { panel: Panel; question: string }>();

  constructor(notebook: LiveNotebook) {
    this.#notebook = notebook;
  }

  /** Shows the fields that are asked for now, and takes away those that are answered. */
  show(cells: readonly CodeCell[]): void {
    const asking = new Map<string, CodeCell>();
    for (const cell of cells) {
      const execution = this.#notebook.execution(cell.model.id);
      if (execution?.state !== 'input' || execution.accountId !== workspace.accountId || !execution.input) continue;
      asking.set(cell.model.id, cell);
      this.#ask(cell, execution, execution.input);
    }
    for (const [cellId, { panel }] of this.#open) {
      if (asking.has(cellId) && !panel.isDisposed) continue;
      panel.dispose();
      this.#open.delete(cellId);
    }
  }

  #ask(cell: CodeCell, execution: ExecutionOfCell, input: { prompt: string; password: boolean }): void {
    const question = JSON.stringify([execution.run, input]);
    const open = this.#open.get(cell.model.id);
    if (open?.question === question && !open.panel.isDisposed) return;
    open?.panel.dispose();
    const panel = new Panel();
    panel.addClass('jp-OutputArea-child');
    panel.addClass('jp-OutputArea-stdin-item');
    const prompt = cell.outputArea.contentFactory.createOutputPrompt();
    prompt.addClass('jp-OutputArea-prompt');
    panel.addWidget(prompt);
    const field = new Stdin({ ...input, parent_header: header(), future: this.#answering(cell.model.id) });
    field.addClass('jp-OutputArea-output');
    panel.addWidget(field);
    cell.outputArea.layout.addWidget(panel);
    this.#open.set(cell.model.id, { panel, question });
  }

  /** As much of a kernel's future as the field uses: it only answers. */
  #answering(cell: string): Stdin.IOptions['future'] {
    const sendInputReply = (content: KernelMessage.IInputReplyMsg['content']): void => {
      const message = { type: 'input', cell, value: content.status === 'ok' ? content.value : '' };
      const { room } = this.#notebook;
      if (room.tell(message)) return;
      const sendLater = (): void => {
        if (room.tell(message)) room.changed.disconnect(sendLater);
      };
      room.changed.connect(sendLater);
    };
    return { sendInputReply } as unknown as Stdin.IOptions['future'];
  }
}

/** The field tells histories of different sessions apart by it. */
function header(): KernelMessage.IHeader<'input_request'> {
  return KernelMessage.createMessage<KernelMessage.IInputRequestMsg>({
    msgType: 'input_request',
    channel: 'stdin',
    session: 'terrarium',
    content: { prompt: '', password: false },
  }).header;
}
