import type { CodeCell } from '@jupyterlab/cells';
import { type Kernel, KernelMessage } from '@jupyterlab/services';
import type { Execution, JournalLine } from './execution-journal.ts';

/**
 * An execution that another window, or this one before a reload, asked for, shown in its cell. To the output area it
 * looks like any other execution: messages are handed to the future that the output area listens to.
 */
export class ReplayedExecution {
  readonly msgId: string;
  readonly #cell: CodeCell;
  readonly #future: ReplayedFuture;
  /** Messages come from the journal and from the live connection; each counts once. */
  readonly #seen = new Set<string>();
  #executionCount: number | null;
  #lastSeq: number;
  #isDone = false;

  constructor(execution: Execution, cell: CodeCell, kernel: Kernel.IKernelConnection) {
    this.msgId = execution.msgId;
    this.#cell = cell;
    this.#executionCount = execution.executionCount;
    this.#lastSeq = execution.firstSeq - 1;
    this.#future = new ReplayedFuture(execution.msgId, kernel);
    cell.model.sharedModel.transact(() => cell.model.clearExecution());
    cell.outputArea.future = this.#future;
    cell.model.trusted = true;
    cell.model.executionState = 'running';
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** How much of the journal it has shown. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** True when another execution took the cell, or the cell was closed. */
  get isReplaced(): boolean {
    return this.#cell.isDisposed || this.#cell.outputArea.future !== this.#future;
  }

  showLine(line: JournalLine): void {
    this.#lastSeq = Math.max(this.#lastSeq, line.seq);
    if (line.direction === 'out') this.show(line.message);
  }

  show(message: KernelMessage.IMessage): void {
    if (this.#isDone || this.isReplaced || this.#seen.has(message.header.msg_id)) return;
    this.#seen.add(message.header.msg_id);
    if (message.channel === 'stdin') return;
    if (message.header.msg_type === 'execute_reply') {
      this.#future.onReply(message as KernelMessage.IExecuteReplyMsg);
      return;
    }
    if (message.channel !== 'iopub') return;
    const iopub = message as KernelMessage.IIOPubMessage;
    if (KernelMessage.isExecuteInputMsg(iopub)) this.#executionCount = iopub.content.execution_count;
    this.#future.onIOPub(iopub);
    if (KernelMessage.isStatusMsg(iopub) && iopub.content.execution_state === 'idle') this.finish();
  }

  /** Shows the field in which the person answers `input()`, unless it is there already. */
  askForInput(request: KernelMessage.IInputRequestMsg): void {
    if (this.#isDone || this.isReplaced || this.#future.isAsking(request)) return;
    this.#future.ask(request);
  }

  finish(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    if (this.isReplaced) return;
    this.#cell.model.executionState = 'idle';
    if (this.#executionCount !== null) this.#cell.model.executionCount = this.#executionCount;
    this.#future.complete();
  }
}

class ReplayedFuture implements Kernel.IShellFuture<KernelMessage.IExecuteRequestMsg, KernelMessage.IExecuteReplyMsg> {
  readonly msg: KernelMessage.IExecuteRequestMsg;
  readonly done: Promise<KernelMessage.IExecuteReplyMsg>;
  onReply: (msg: KernelMessage.IExecuteReplyMsg) => void = () => undefined;
  onIOPub: (msg: KernelMessage.IIOPubMessage) => void = () => undefined;
  onStdin: (msg: KernelMessage.IStdinMessage) => void = () => undefined;
  readonly #kernel: Kernel.IKernelConnection;
  #resolve: (reply: KernelMessage.IExecuteReplyMsg) => void = () => undefined;
  #isDisposed = false;
  #asked: string | undefined;

  constructor(msgId: string, kernel: Kernel.IKernelConnection) {
    this.#kernel = kernel;
    this.msg = KernelMessage.createMessage<KernelMessage.IExecuteRequestMsg>({
      msgType: 'execute_request',
      channel: 'shell',
      session: kernel.clientId,
      msgId,
      content: { code: '' },
    });
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  isAsking(request: KernelMessage.IInputRequestMsg): boolean {
    return this.#asked === request.header.msg_id;
  }

  ask(request: KernelMessage.IInputRequestMsg): void {
    this.#asked = request.header.msg_id;
    this.onStdin(request);
  }

  sendInputReply(
    content: KernelMessage.IInputReplyMsg['content'],
    parentHeader: KernelMessage.IInputReplyMsg['parent_header'],
  ): void {
    this.#kernel.sendInputReply(content, parentHeader);
  }

  complete(): void {
    // Whoever awaits it wants to know that it ended; nobody reads the reply of an execution asked for elsewhere.
    this.#resolve(
      KernelMessage.createMessage<KernelMessage.IExecuteReplyMsg>({
        msgType: 'execute_reply',
        channel: 'shell',
        session: this.#kernel.clientId,
        content: { status: 'ok', execution_count: 0, user_expressions: {} },
        parentHeader: this.msg.header,
      }),
    );
  }

  registerMessageHook(): void {
    // Nothing here hooks into an execution that was asked for elsewhere.
  }

  removeMessageHook(): void {
    // See registerMessageHook.
  }

  dispose(): void {
    this.#isDisposed = true;
  }
}
