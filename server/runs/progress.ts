import type * as Y from 'yjs';
import * as z from 'zod';
import { isObject, type JsonObject } from '../documents/json-object.ts';
import type { Mark } from '../documents/live-document.ts';
import { countOf, displayIdOf, outputOf } from './jupyter-output.ts';
import type { KernelMessage } from './kernel-messages.ts';
import type { OutputWidgets } from './output-widgets.ts';
import { newOutputState, OutputEdit, type OutputState } from './outputs.ts';
import { findCell, outputsOf, recordTiming, setNextInput, type Question } from './shared-cells.ts';

export type Reply =
  | { readonly status: 'ok' }
  | { readonly status: 'error'; readonly name: string; readonly message: string }
  | { readonly status: 'aborted' };

/** How far the document has come with what one execution says. */
export interface Progress {
  readonly msgId: string;
  readonly cellId: string;
  readonly outputs: OutputState;
  executionCount: number | null;
  reply: Reply | null;
  isIdle: boolean;
  /** What `input()` waits for, with the header that the answer goes to. */
  question: (Question & { readonly header: JsonObject }) | null;
}

export function newProgress(msgId: string, cellId: string): Progress {
  const outputs = newOutputState();
  return { msgId, cellId, outputs, executionCount: null, reply: null, isIdle: false, question: null };
}

/**
 * Writes what a kernel said into the document. Call it inside a transaction.
 * @param progresses  by message id: the latest execution of each cell
 * @param widgets  they take what is said inside them
 * @returns the cells whose displays with an id are others now
 */
export function applyMessages(
  doc: Y.Doc,
  messages: readonly KernelMessage[],
  progresses: ReadonlyMap<string, Progress>,
  widgets: OutputWidgets,
  newCellId: () => string,
): Set<string> {
  const edits = new Map<Progress, OutputEdit | null>();
  const timings = new Map<string, Record<string, string>>();
  const changedDisplays = new Set<string>();
  const editOf = (progress: Progress): OutputEdit | null => {
    let edit = edits.get(progress);
    if (edit === undefined) {
      const cell = findCell(doc, progress.cellId);
      edit = cell === null ? null : new OutputEdit(outputsOf(cell), progress.outputs);
      edits.set(progress, edit);
    }
    return edit;
  };

  for (const message of messages) {
    const { type, content, parentId, header, metadata } = message;
    const displayId = displayIdOf(content);
    if (displayId !== null) {
      // A display that is shown again changes where it was shown before. @see @jupyterlab/services, _handleDisplayId
      const output = outputOf('display_data', content);
      for (const progress of progresses.values()) {
        if (output !== null && progress.outputs.displays.has(displayId)) editOf(progress)?.update(displayId, output);
      }
      if (output !== null) widgets.update(displayId, output);
      if (type === 'update_display_data') continue;
    }
    if (widgets.take(message, (msgId) => progresses.has(msgId))) continue;
    const progress = progresses.get(parentId);
    if (progress === undefined) continue;
    const timing = timingOf(type, content, header, metadata);
    if (timing !== null) timings.set(progress.cellId, { ...timings.get(progress.cellId), ...timing });
    const hadDisplays = progress.outputs.displays.size > 0;
    follow(progress, type, content, header);
    const edit = editOf(progress);
    if (edit === null) continue;
    edit.take({ type, content });
    if (displayId !== null || (hadDisplays && progress.outputs.displays.size === 0))
      changedDisplays.add(progress.cellId);
    if (type !== 'execute_reply') continue;
    for (const payload of payloadsOf(content)) {
      if (payload['source'] === 'page') edit.take({ type: 'display_data', content: { data: payload['data'] } });
      if (payload['source'] === 'set_next_input' && typeof payload['text'] === 'string') {
        setNextInput(doc, progress.cellId, payload['text'], payload['replace'] === true, newCellId());
      }
    }
  }

  widgets.commit();
  for (const [progress, edit] of edits) {
    edit?.commit();
    const cell = findCell(doc, progress.cellId);
    if (cell === null) continue;
    if (progress.executionCount !== null && cell.get('execution_count') !== progress.executionCount) {
      cell.set('execution_count', progress.executionCount);
    }
  }
  for (const [cellId, timing] of timings) {
    const cell = findCell(doc, cellId);
    if (cell !== null) recordTiming(cell, timing);
  }
  return changedDisplays;
}

function follow(progress: Progress, type: string, content: JsonObject, header: JsonObject): void {
  switch (type) {
    case 'execute_input':
      progress.executionCount = countOf(content['execution_count']) ?? progress.executionCount;
      return;
    case 'input_request': {
      const prompt = typeof content['prompt'] === 'string' ? content['prompt'] : '';
      progress.question = { prompt, password: content['password'] === true, header };
      return;
    }
    case 'execute_reply':
      progress.executionCount = countOf(content['execution_count']) ?? progress.executionCount;
      progress.reply = replyOf(content);
      progress.question = null;
      return;
    case 'status':
      if (content['execution_state'] !== 'idle') return;
      progress.isIdle = true;
      progress.question = null;
      return;
    default:
  }
}

function replyOf(content: JsonObject): Reply {
  const { status, ename, evalue } = content;
  if (status === 'ok') return { status };
  if (status === 'error') {
    return {
      status,
      name: typeof ename === 'string' ? ename : 'Error',
      message: typeof evalue === 'string' ? evalue : '',
    };
  }
  return { status: 'aborted' };
}

function payloadsOf(content: JsonObject): JsonObject[] {
  return content['status'] === 'ok' && Array.isArray(content['payload']) ? content['payload'].filter(isObject) : [];
}

// @see @jupyterlab/cells, CodeCell.execute
function timingOf(
  type: string,
  content: JsonObject,
  header: JsonObject,
  metadata: JsonObject,
): Record<string, string> | null {
  const date = typeof header['date'] === 'string' ? header['date'] : null;
  if (date === null) return null;
  if (type === 'execute_input') return { 'iopub.execute_input': date };
  if (type === 'execute_reply') {
    const { started } = metadata;
    return {
      ...(typeof started === 'string' ? { 'shell.execute_reply.started': started } : {}),
      'shell.execute_reply': date,
    };
  }
  const state = content['execution_state'];
  return type === 'status' && (state === 'busy' || state === 'idle') ? { [`iopub.status.${state}`]: date } : null;
}

const Question = z.object({ prompt: z.string(), password: z.boolean(), header: z.record(z.string(), z.unknown()) });
const ProgressMark = z.object({
  msgId: z.string(),
  cellId: z.string(),
  clearsNext: z.boolean(),
  column: z.number().nullable(),
  isFull: z.boolean(),
  executionCount: z.number().nullable(),
  reply: z
    .union([
      z.object({ status: z.literal('ok') }),
      z.object({ status: z.literal('error'), name: z.string(), message: z.string() }),
      z.object({ status: z.literal('aborted') }),
    ])
    .nullable(),
  isIdle: z.boolean(),
  question: Question.nullable(),
});
const KernelMark = z.object({ seq: z.number(), last: ProgressMark.nullable() });
const Displays = z.record(z.string(), z.array(z.number()));

const kernelMark = (kernelId: string): string => `kernel:${kernelId}`;
const displaysMark = (kernelId: string, cellId: string): string => `displays:${kernelId}:${cellId}`;

/** What is kept with a change: the document has every message up to `seq`. */
export function markOf(kernelId: string, seq: number, last: Progress | null): Mark {
  if (last === null) return { name: kernelMark(kernelId), value: { seq, last } };
  const { outputs, ...rest } = last;
  const { clearsNext, column, isFull } = outputs;
  const value: z.infer<typeof KernelMark> = { seq, last: { ...rest, clearsNext, column, isFull } };
  return { name: kernelMark(kernelId), value };
}

export function displaysMarkOf(kernelId: string, { cellId, outputs }: Progress): Mark {
  const value = outputs.displays.size === 0 ? null : Object.fromEntries(outputs.displays);
  return { name: displaysMark(kernelId, cellId), value };
}

/** What was kept for this kernel; null when the document has nothing of it. */
export function readMark(
  marks: ReadonlyMap<string, unknown>,
  kernelId: string,
): { seq: number; last: Progress | null } | null {
  const read = KernelMark.safeParse(marks.get(kernelMark(kernelId)));
  if (!read.success) return null;
  const { seq, last } = read.data;
  if (last === null) return { seq, last };
  const { clearsNext, column, isFull, ...rest } = last;
  return { seq, last: { ...rest, outputs: { ...newOutputState(), clearsNext, column, isFull } } };
}

export function readDisplays(
  marks: ReadonlyMap<string, unknown>,
  kernelId: string,
  cellId: string,
): Map<string, number[]> {
  const read = Displays.safeParse(marks.get(displaysMark(kernelId, cellId)));
  return new Map(read.success ? Object.entries(read.data) : []);
}

/** Forgets everything about a kernel that is gone. */
export function forgetMarks(marks: ReadonlyMap<string, unknown>, kernelId: string): Mark[] {
  const isOf = (name: string): boolean => name === kernelMark(kernelId) || name.startsWith(`displays:${kernelId}:`);
  return [...marks.keys()].filter(isOf).map((name) => ({ name, value: null }));
}
