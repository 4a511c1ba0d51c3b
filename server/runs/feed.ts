import type { LiveDocument, Mark } from '../documents/live-document.ts';
import type { Clock } from '../plumbing/clock.ts';
import { newId } from '../plumbing/ids.ts';
import { displayIdOf } from './jupyter-output.ts';
import type { KernelMessage, KernelRequest } from './kernel-messages.ts';
import { OutputWidgets } from './output-widgets.ts';
import {
  applyMessages,
  displaysMarkOf,
  forgetMarks,
  markOf,
  newProgress,
  readDisplays,
  readMark,
  type Progress,
} from './progress.ts';

const gatherMs = 40;
const gatheredCharacters = 256 * 1024;
const gatheredMessages = 1000;
/** A kernel that replies and never says that it is idle. */
const idleAfterReplyMs = 5000;

export interface FeedOptions {
  readonly document: LiveDocument;
  /** Whose kernels they are. */
  readonly accountId: string;
  readonly clock: Clock;
  /** Shows how far the current execution is. Called inside a change. */
  readonly show: (progress: Progress) => void;
  /** Sends something to the kernel. Answers whether that was possible. */
  readonly send: (request: KernelRequest) => boolean;
  /** The current execution has ended and everything it said is in the document. */
  readonly onEnded: (progress: Progress) => void;
}

/**
 * Writes what one kernel says into one document.
 *
 * INVARIANTS
 * - The document changes together with the mark of the last message in it, so after a crash the kernel's journal is read
 *   on from there: nothing is lost and nothing is written twice.
 * - Messages are written in the order they came. What arrives within a moment is one change; the first after a pause and
 *   the last of an execution do not wait.
 */
export class Feed {
  readonly #options: FeedOptions;
  #kernelId: string | null = null;
  /** By message id: the latest execution of each cell, in the order in which they were sent. */
  #progresses = new Map<string, Progress>();
  #current: Progress | null = null;
  #widgets: OutputWidgets | null = null;
  /** What has come of the current execution, be it written already or not. */
  #hasReply = false;
  #hasIdle = false;
  #seq = 0;
  #gathered: KernelMessage[] = [];
  #size = 0;
  #writtenAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Immediate | undefined;
  #replyTimer: NodeJS.Timeout | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  get kernelId(): string | null {
    return this.#kernelId;
  }

  /** The execution that the kernel works on for us. */
  get current(): Progress | null {
    return this.#current;
  }

  /**
   * Begins, or goes on, with a kernel.
   * @param sent  the executions that it was sent before, in order; of each cell the last one counts
   * @param current  the one of them that has not ended
   * @returns where its journal is read on; null for what comes from now on
   */
  open(kernelId: string, sent: readonly { msgId: string; cellId: string }[], current: Progress | null): number | null {
    const { document, accountId } = this.#options;
    const marks = document.marks();
    const mark = readMark(marks, kernelId);
    const last = mark?.last ?? null;
    this.#kernelId = kernelId;
    const widgets = new OutputWidgets(document.doc, kernelId, accountId);
    document.change(() => widgets.forgetEarlier(), { author: null });
    this.#widgets = widgets;
    this.#progresses = new Map();
    for (const { msgId, cellId } of sent) {
      const ended = msgId === last?.msgId ? last : { ...newProgress(msgId, cellId), reply: null, isIdle: true };
      this.#keep(msgId === current?.msgId ? current : ended);
    }
    if (current !== null) this.begin(current);
    for (const progress of this.#progresses.values()) {
      // A cell that has just been begun shows nothing yet, whatever it showed before.
      if (progress === current && current.msgId !== last?.msgId) continue;
      for (const [id, places] of readDisplays(marks, kernelId, progress.cellId)) {
        progress.outputs.displays.set(id, places);
      }
    }
    this.#seq = mark?.seq ?? 0;
    // A kernel that is new to us has nothing of ours in its journal, unless it was sent something and never heard of.
    return mark?.seq ?? (current === null ? null : 0);
  }

  /** Takes an execution for the current one. */
  begin(progress: Progress): void {
    this.#keep(progress);
    this.#current = progress;
    this.#hasReply = progress.reply !== null;
    this.#hasIdle = progress.isIdle;
  }

  receive(message: KernelMessage): void {
    const { type, parentId, content } = message;
    const isOurs = this.#progresses.has(parentId) || this.#widgets?.concerns(message) === true;
    if (!isOurs && !this.#changesDisplay(message)) return;
    this.#gathered.push(message);
    this.#size += message.size;
    const current = this.#current;
    if (current !== null && parentId === current.msgId) {
      if (type === 'execute_reply') this.#hasReply = true;
      if (type === 'status' && content['execution_state'] === 'idle') this.#hasIdle = true;
      if (this.#hasReply && this.#hasIdle) {
        this.write();
        return;
      }
      if (this.#hasReply) this.#replyTimer ??= setTimeout(() => this.#assumeIdle(current), idleAfterReplyMs);
    }
    if (this.#size > gatheredCharacters || this.#gathered.length >= gatheredMessages) this.write();
    // These two alone show nothing that a person waits for.
    else if (type === 'status' || type === 'execute_input') this.#writeIn(gatherMs);
    else this.#writeIn(this.#writtenAt + gatherMs - this.#options.clock.now());
  }

  /** Writes what has come so far. */
  write(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#soon);
    this.#timer = undefined;
    this.#soon = undefined;
    const messages = this.#gathered;
    const last = messages.at(-1);
    const widgets = this.#widgets;
    if (last === undefined || widgets === null) return;
    this.#gathered = [];
    this.#size = 0;
    this.#writtenAt = this.#options.clock.now();
    this.#seq = last.seq;
    const current = this.#current;
    this.change((marks) => {
      const changed = applyMessages(this.#options.document.doc, messages, this.#progresses, widgets, newId);
      for (const progress of this.#progresses.values()) {
        if (this.#kernelId !== null && changed.has(progress.cellId)) {
          marks.push(displaysMarkOf(this.#kernelId, progress));
        }
      }
      if (current !== null) this.#options.show(current);
    });
    this.#endIfOver();
  }

  /** Changes the document together with how far the kernel's messages are in it. */
  change(work: (marks: Mark[]) => void): void {
    // Filled by the change itself, which decides how far it is.
    const marks: Mark[] = [];
    const change = (): void => {
      work(marks);
      const last = this.#current ?? [...this.#progresses.values()].at(-1) ?? null;
      if (this.#kernelId !== null) marks.push(markOf(this.#kernelId, this.#seq, last));
    };
    this.#options.document.change(change, { author: null, marks });
  }

  /** Writes what has come, and stops. Everything is there for the next one to go on. */
  stop(): void {
    this.write();
    clearTimeout(this.#replyTimer);
    this.#current = null;
    this.#kernelId = null;
    this.#widgets = null;
    this.#progresses = new Map();
  }

  /** Tells the kernel what its widgets show. Call it before the next execution is sent. */
  tellKernel(): void {
    this.#widgets?.tell(this.#options.send);
  }

  /** Stops, as the kernel is gone for good. */
  forget(): void {
    const kernelId = this.#kernelId;
    const widgets = this.#widgets;
    this.stop();
    if (kernelId === null) return;
    const { document } = this.#options;
    document.change(() => widgets?.forget(), { author: null, marks: forgetMarks(document.marks(), kernelId) });
  }

  #keep(progress: Progress): void {
    for (const [msgId, { cellId }] of this.#progresses) if (cellId === progress.cellId) this.#progresses.delete(msgId);
    this.#progresses.set(progress.msgId, progress);
  }

  #changesDisplay({ type, content }: KernelMessage): boolean {
    if (type !== 'update_display_data' && type !== 'display_data') return false;
    const id = displayIdOf(content);
    if (id === null) return false;
    return (
      this.#widgets?.shows(id) === true ||
      [...this.#progresses.values()].some(({ outputs }) => outputs.displays.has(id))
    );
  }

  #writeIn(ms: number): void {
    // Whatever arrives in the same moment is taken along; what comes after a pause is not kept waiting.
    if (ms <= 0) this.#soon ??= setImmediate(() => this.write());
    else this.#timer ??= setTimeout(() => this.write(), ms);
  }

  #assumeIdle(progress: Progress): void {
    this.#replyTimer = undefined;
    if (this.#current !== progress) return;
    this.#hasIdle = true;
    progress.isIdle = true;
    this.write();
    this.change(() => this.#options.show(progress));
    this.#endIfOver();
  }

  #endIfOver(): void {
    const current = this.#current;
    if (current !== null && (current.reply === null || !current.isIdle)) return;
    this.tellKernel();
    if (current === null) return;
    clearTimeout(this.#replyTimer);
    this.#replyTimer = undefined;
    this.#current = null;
    this.#options.onEnded(current);
  }
}
