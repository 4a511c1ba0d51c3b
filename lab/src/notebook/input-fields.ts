import { type CodeCell, CodeCellModel } from '@jupyterlab/cells';
import { Stdin } from '@jupyterlab/outputarea';
import { KernelMessage } from '@jupyterlab/services';
import { Panel } from '@lumino/widgets';
import type { ExecutionOfCell, LiveNotebook } from '../documents/live-notebook.ts';
import { workspace } from '../workspace.ts';
import { catchUp } from './live-outputs.ts';

interface Field {
  readonly panel: Panel;
  readonly question: string;
  readonly mark: unknown;
  isAnswered: boolean;
}

/** The fields in which a person answers what their kernel asks with `input()`, below the cells that ask. */
export class InputFields {
  readonly #notebook: LiveNotebook;
  readonly #open = new Map<string, Field>();

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
    const cellId = cell.model.id;
    const question = JSON.stringify([execution.run, input]);
    const mark = this.#notebook.executionMark(cellId);
    const open = this.#open.get(cellId);
    // The same question may be asked again; the same word about an unanswered one is no new question.
    const isOpen = open !== undefined && open.question === question && (!open.isAnswered || open.mark === mark);
    if (isOpen && !open.panel.isDisposed) return;
    open?.panel.dispose();
    // Outputs that are cleared take with them what is shown among them.
    if (cell.model instanceof CodeCellModel) catchUp(cell.model);
    const panel = new Panel();
    panel.addClass('jp-OutputArea-child');
    panel.addClass('jp-OutputArea-stdin-item');
    const prompt = cell.outputArea.contentFactory.createOutputPrompt();
    prompt.addClass('jp-OutputArea-prompt');
    panel.addWidget(prompt);
    const field = new Stdin({ ...input, parent_header: header(), future: this.#answering(cellId) });
    field.addClass('jp-OutputArea-output');
    panel.addWidget(field);
    cell.outputArea.layout.addWidget(panel);
    this.#open.set(cellId, { panel, question, mark, isAnswered: false });
  }

  /** As much of a kernel's future as the field uses: it only answers. */
  #answering(cell: string): Stdin.IOptions['future'] {
    const sendInputReply = (content: KernelMessage.IInputReplyMsg['content']): void => {
      const field = this.#open.get(cell);
      if (field !== undefined) field.isAnswered = true;
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
