import * as Y from 'yjs';
import { isObject, type JsonObject } from '../documents/json-object.ts';
import { newSharedOutputs, sharedWidgets } from '../documents/shared-notebook.ts';
import { newId } from '../plumbing/ids.ts';
import type { Output } from './jupyter-output.ts';
import type { KernelMessage, KernelRequest } from './kernel-messages.ts';
import { newOutputState, OutputEdit, type OutputState } from './outputs.ts';

/**
 * An Output widget of ipywidgets: an entry of the map `widgets` of a document, by the id of its comm. Its fields are
 * `kernel` and `account`, whose kernel it is; `outputs`, as a cell has them; `capture`, the execution whose outputs it takes; `state`, what is not in the
 * outputs themselves; and `isAhead`, while the kernel's own copy of the outputs is older.
 */
type SharedWidget = Y.Map<unknown>;

interface Capture {
  readonly msgId: string;
  /** Place of the message that began it: of several for one execution the latest counts. */
  readonly since: number;
}

/** What is kept of a widget's state is plain: what the outputs themselves tell is counted again. */
interface KeptState {
  readonly clearsNext: boolean;
  readonly column: number | null;
  readonly isFull: boolean;
  readonly displays: readonly (readonly [string, number[]])[];
}

const shownTypes: ReadonlySet<string> = new Set(['stream', 'display_data', 'execute_result', 'error', 'clear_output']);

/**
 * The Output widgets of one kernel. What a cell says inside `with out:` is the widget's, not the cell's; a front end
 * would move it, and here nobody need be watching.
 *
 * INVARIANTS
 * - What a widget shows and captures is in the document, and changes there with the mark of the last message. Only what
 *   the kernel was told and has not answered, `#told`, is here alone.
 * - A kernel takes no message while it runs a cell. So it is told of the outputs between two, before the next is sent; or
 *   it could set them itself and be overruled by older ones.
 * @see ipywidgets, widget_output.py, and OutputModel in @jupyter-widgets/jupyterlab-manager
 */
export class OutputWidgets {
  readonly #widgets: Y.Map<unknown>;
  readonly #kernelId: string;
  readonly #accountId: string;
  readonly #states = new Map<string, OutputState>();
  readonly #captures = new Map<string, Capture>();
  /** Those with something to write in the present change. */
  readonly #edits = new Map<string, OutputEdit>();
  /** Comm ids by the message that told the kernel of their outputs. */
  readonly #told = new Map<string, string>();

  constructor(doc: Y.Doc, kernelId: string, accountId: string) {
    this.#widgets = sharedWidgets(doc);
    this.#kernelId = kernelId;
    this.#accountId = accountId;
    for (const [id, widget] of this.#own()) {
      this.#states.set(id, readState(widget.get('state')));
      const capture = widget.get('capture');
      if (isCapture(capture)) this.#captures.set(id, capture);
    }
  }

  /** Whether a message that belongs to no execution of ours matters here. */
  concerns({ type, content, parentId }: KernelMessage): boolean {
    if (this.#told.has(parentId)) return isState(type, content, 'idle');
    if (this.#states.size > 0 && isState(type, content, 'starting')) return true;
    // Of one that was opened a moment ago nothing is known here until that was taken.
    if (type === 'comm_msg') return isOfOutputs(dataOf(content)['state']);
    return type === 'comm_open' ? isOutputModel(content) : type === 'comm_close';
  }

  /** Whether a widget shows a display with this id. */
  shows(displayId: string): boolean {
    return [...this.#states.values()].some(({ displays }) => displays.has(displayId));
  }

  /**
   * Takes a message. Call it inside a change that ends with `commit`.
   * @param isOurs  whether an execution is one of ours; outputs of others are moved by the front end that asked for them
   * @returns whether it was for a widget, so that the cell does not show it
   */
  take(message: KernelMessage, isOurs: (msgId: string) => boolean): boolean {
    const { type, content, parentId } = message;
    if (type.startsWith('comm_')) {
      this.#takeComm(message, isOurs);
      return true;
    }
    // A kernel that starts anew has no widgets yet.
    if (isState(type, content, 'starting')) this.forget();
    const told = this.#told.get(parentId);
    if (told !== undefined) {
      if (isState(type, content, 'idle')) {
        this.#told.delete(parentId);
        this.#widget(told)?.set('isAhead', false);
      }
      return true;
    }
    const id = shownTypes.has(type) ? this.#capturing(parentId) : null;
    if (id === null) return false;
    this.#edit(id)?.take({ type, content });
    return true;
  }

  /** Puts another output in the places that show this id. */
  update(displayId: string, output: Output): void {
    for (const [id, { displays }] of this.#states) {
      if (displays.has(displayId)) this.#edit(id)?.update(displayId, output);
    }
  }

  commit(): void {
    for (const [id, edit] of this.#edits) {
      edit.commit();
      const widget = this.#widget(id);
      const state = this.#states.get(id);
      if (widget === null || state === undefined) continue;
      const kept = keptState(state);
      if (JSON.stringify(kept) !== JSON.stringify(widget.get('state'))) widget.set('state', kept);
      if (widget.get('isAhead') !== true) widget.set('isAhead', true);
      for (const [msgId, told] of this.#told) if (told === id) this.#told.delete(msgId);
    }
    this.#edits.clear();
  }

  /** Tells the kernel what its widgets show, where it does not know. @param send  answers whether it could be sent */
  tell(send: (request: KernelRequest) => boolean): void {
    const told = new Set(this.#told.values());
    for (const [id, widget] of this.#own()) {
      if (widget.get('isAhead') !== true || told.has(id)) continue;
      const msgId = newId();
      const state = { outputs: outputsOf(widget)?.toJSON() ?? [] };
      const content = { comm_id: id, data: { method: 'update', state, buffer_paths: [] } };
      const request = { msgId, type: 'comm_msg', channel: 'shell', parentHeader: {}, metadata: {}, content } as const;
      if (send(request)) this.#told.set(msgId, id);
    }
  }

  /** The kernel is gone, and its widgets with it. Call it inside a change. */
  forget(): void {
    for (const [id] of this.#own()) this.#close(id);
    this.#told.clear();
  }

  /** Forgets those of kernels that the account had before. Call it inside a change. */
  forgetEarlier(): void {
    for (const id of Array.from(this.#widgets.keys())) {
      const widget = this.#widget(id);
      const isEarlier = widget?.get('account') === this.#accountId && widget.get('kernel') !== this.#kernelId;
      if (isEarlier) this.#widgets.delete(id);
    }
  }

  #takeComm({ type, content, seq, parentId }: KernelMessage, isOurs: (msgId: string) => boolean): void {
    const id = commIdOf(content);
    if (type === 'comm_close') {
      if (this.#states.has(id)) this.#close(id);
      return;
    }
    if (type === 'comm_open') {
      if (!isOutputModel(content)) return;
      const owner = { kernel: this.#kernelId, account: this.#accountId };
      const fields = { ...owner, outputs: new Y.Array(), capture: null, state: null, isAhead: false };
      this.#widgets.set(id, new Y.Map<unknown>(Object.entries(fields)));
      this.#states.set(id, newOutputState());
    }
    const widget = this.#widget(id);
    const { state } = dataOf(content);
    // What it was told comes back as an echo.
    if (widget === null || !isObject(state) || this.#told.has(parentId)) return;
    const { outputs, msg_id: msgId } = state;
    if (Array.isArray(outputs)) this.#replace(id, widget, outputs);
    if (typeof msgId === 'string') this.#capture(id, widget, isOurs(msgId) ? { msgId, since: seq } : null);
  }

  /** The kernel, or a front end by way of it, set the outputs. */
  #replace(id: string, widget: SharedWidget, outputs: readonly unknown[]): void {
    this.#edits.delete(id);
    this.#states.set(id, newOutputState());
    const shared = outputsOf(widget);
    if (shared === null || (shared.length === 0 && outputs.length === 0)) return;
    shared.delete(0, shared.length);
    shared.push(newSharedOutputs(outputs));
    widget.set('state', null);
    widget.set('isAhead', false);
  }

  #capture(id: string, widget: SharedWidget, capture: Capture | null): void {
    if (capture !== null) this.#captures.set(id, capture);
    else if (!this.#captures.delete(id)) return;
    widget.set('capture', capture);
  }

  #capturing(msgId: string): string | null {
    let latest: { id: string; since: number } | null = null;
    for (const [id, capture] of this.#captures) {
      if (capture.msgId === msgId && capture.since >= (latest?.since ?? 0)) latest = { id, since: capture.since };
    }
    return latest?.id ?? null;
  }

  #edit(id: string): OutputEdit | null {
    const there = this.#edits.get(id);
    if (there !== undefined) return there;
    const outputs = outputsOf(this.#widget(id));
    const state = this.#states.get(id);
    if (outputs === null || state === undefined) return null;
    const edit = new OutputEdit(outputs, state);
    this.#edits.set(id, edit);
    return edit;
  }

  #close(id: string): void {
    this.#edits.delete(id);
    this.#states.delete(id);
    this.#captures.delete(id);
    this.#widgets.delete(id);
  }

  #widget(id: string): SharedWidget | null {
    const widget = this.#widgets.get(id);
    return widget instanceof Y.Map ? widget : null;
  }

  /** Clients can put anything into the map. */
  #own(): [string, SharedWidget][] {
    return [...this.#widgets.keys()].flatMap((id): [string, SharedWidget][] => {
      const widget = this.#widget(id);
      return widget?.get('kernel') === this.#kernelId ? [[id, widget]] : [];
    });
  }
}

function outputsOf(widget: SharedWidget | null): Y.Array<Y.Map<unknown>> | null {
  const outputs = widget?.get('outputs');
  // As with the outputs of cells: what is no map is left alone and never read.
  return outputs instanceof Y.Array ? (outputs as Y.Array<Y.Map<unknown>>) : null;
}

function isOutputModel(content: JsonObject): boolean {
  const { state } = dataOf(content);
  return isObject(state) && state['_model_name'] === 'OutputModel' && commIdOf(content) !== '';
}

function isOfOutputs(state: unknown): boolean {
  return isObject(state) && ('outputs' in state || 'msg_id' in state);
}

function commIdOf({ comm_id: id }: JsonObject): string {
  return typeof id === 'string' ? id : '';
}

function dataOf({ data }: JsonObject): JsonObject {
  return isObject(data) ? data : {};
}

function isState(type: string, content: JsonObject, state: 'idle' | 'starting'): boolean {
  return type === 'status' && content['execution_state'] === state;
}

function isCapture(value: unknown): value is Capture {
  return isObject(value) && typeof value['msgId'] === 'string' && typeof value['since'] === 'number';
}

function keptState({ clearsNext, column, isFull, displays }: OutputState): KeptState {
  return { clearsNext, column, isFull, displays: [...displays] };
}

function readState(kept: unknown): OutputState {
  // Only the server writes it.
  const { displays, ...rest } = (isObject(kept) ? kept : { displays: [] }) as unknown as KeptState;
  return { ...newOutputState(), ...rest, displays: new Map(displays.map(([id, places]) => [id, [...places]])) };
}
