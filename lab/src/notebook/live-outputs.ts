import type { YCodeCell } from '@jupyter/ydoc';
import { CodeCellModel } from '@jupyterlab/cells';
import type { IOutputAreaModel } from '@jupyterlab/outputarea';
import * as Y from 'yjs';
import { isLive } from '../documents/live-model.ts';

type Output = Y.Map<unknown>;

interface CellChange {
  readonly streamOutputChange?: unknown;
  readonly outputsChange?: unknown;
  readonly metadataChange?: ReadonlyMap<string, unknown>;
}

/** What JupyterLab's model of a code cell does about outputs, which has no public way to be replaced. */
interface Internals {
  onOutputsChange(this: CodeCellModel, sender: IOutputAreaModel, event: IOutputAreaModel.ChangedArgs): void;
  _onSharedModelChanged(this: CodeCellModel, sender: unknown, change: CellChange): void;
  _connectStreamListener(this: CodeCellModel, output: unknown, index: number): void;
}

/** Which shared output each output that is shown stands for. */
const shown = new WeakMap<IOutputAreaModel, readonly Output[]>();
const waiting = new Map<object, () => void>();
const applying = new WeakSet<IOutputAreaModel>();

/**
 * Makes the outputs of live notebooks follow the document. The server writes them; JupyterLab would write back what it
 * shows, and appends whatever is inserted, wherever that was. Call it once, before any notebook is opened.
 */
export function followSharedOutputs(): void {
  // `as` twice: the methods are private to its class.
  const internals = CodeCellModel.prototype as unknown as Internals;
  const { onOutputsChange, _onSharedModelChanged, _connectStreamListener } = internals;
  internals.onOutputsChange = function (sender, event) {
    if (!isLive(sharedOf(this).notebook)) onOutputsChange.call(this, sender, event);
    else if (!applying.has(sender)) {
      // A person cleared the outputs. Nothing else that happens to what is shown is a change of the notebook.
      if (event.type === 'clear') sharedOf(this).clearOutputs();
      followCellSoon(this);
    }
  };
  internals._onSharedModelChanged = function (sender, change) {
    if (!isLive(sharedOf(this).notebook)) {
      _onSharedModelChanged.call(this, sender, change);
      return;
    }
    const { streamOutputChange, outputsChange, ...rest } = change;
    _onSharedModelChanged.call(this, sender, rest);
    if (rest.metadataChange?.has('trusted') === true) this.trusted = this.getMetadata('trusted') === true;
    if (streamOutputChange !== undefined || outputsChange !== undefined) followCellSoon(this);
  };
  internals._connectStreamListener = function (output, index) {
    if (!isLive(sharedOf(this).notebook)) _connectStreamListener.call(this, output, index);
  };
}

function sharedOf(model: CodeCellModel): YCodeCell {
  // The interface of shared models leaves out the document below it; there is one implementation.
  return model.sharedModel as unknown as YCodeCell;
}

/** Shows at once what a cell's outputs are in the document. */
export function catchUp(model: CodeCellModel): void {
  if (waiting.delete(model)) followCell(model);
}

/**
 * Calls `follow` before the next picture, once for each `model`. Many changes may come between two pictures; each would be
 * rendered from its beginning.
 */
export function followSoon(model: object, follow: () => void): void {
  if (waiting.size === 0) nextPicture(followAll);
  waiting.set(model, follow);
}

function followCellSoon(model: CodeCellModel): void {
  followSoon(model, () => followCell(model));
}

function nextPicture(then: () => void): void {
  // A page in the background draws no pictures.
  if (document.hidden) window.setTimeout(then, 200);
  else requestAnimationFrame(then);
}

function followAll(): void {
  const all = [...waiting.values()];
  waiting.clear();
  for (const follow of all) follow();
}

function followCell(model: CodeCellModel): void {
  if (model.isDisposed) return;
  applying.add(model.outputs);
  try {
    followOutputs(model.outputs, sharedOf(model).youtputs.toArray() as Output[]);
  } finally {
    applying.delete(model.outputs);
  }
}

/** Makes what is shown the same as these shared outputs, and leaves alone what is the same already. */
export function followOutputs(outputs: IOutputAreaModel, wanted: readonly Output[]): void {
  const before = shown.get(outputs) ?? firstShown(outputs, wanted);
  const same = before.length === outputs.length ? countSame(before, wanted) : 0;
  if (wanted.length === 0) {
    outputs.clear();
  } else if (!replaceInPlace(outputs, before, wanted)) {
    for (let index = outputs.length - 1; index >= same; index -= 1) remove(outputs, index);
    for (const output of wanted.slice(same)) add(outputs, output);
  }
  for (const [index, output] of wanted.entries()) followText(outputs, index, output);
  shown.set(outputs, wanted);
}

/** What is shown was changed by somebody else than `followOutputs`. */
export function forgetShown(outputs: IOutputAreaModel): void {
  shown.delete(outputs);
}

/** What was in the document when the cell was made is shown from the start. */
function firstShown(outputs: IOutputAreaModel, wanted: readonly Output[]): readonly Output[] {
  const isSame = (output: Output, index: number): boolean => outputs.get(index)?.type === output.get('output_type');
  let same = 0;
  for (const output of wanted.slice(0, outputs.length)) {
    if (!isSame(output, same) || JSON.stringify(contentOf(output)) !== JSON.stringify(outputs.get(same).toJSON()))
      break;
    same += 1;
  }
  return same === outputs.length ? wanted.slice(0, same) : [];
}

function countSame(before: readonly Output[], wanted: readonly Output[]): number {
  const different = before.findIndex((output, index) => output !== wanted[index]);
  return different === -1 ? before.length : different;
}

/** An updated display stays where it is, with its size. @returns false when more than that changed */
function replaceInPlace(outputs: IOutputAreaModel, before: readonly Output[], wanted: readonly Output[]): boolean {
  if (before.length !== outputs.length || before.length > wanted.length) return false;
  const changed = before.flatMap((output, index) => (output === wanted[index] ? [] : [index]));
  // What is shown of a stream follows its text by the model it was added with.
  if (changed.some((index) => isStream(before[index]) || isStream(wanted[index]))) return false;
  for (const index of changed) {
    const output = wanted[index];
    if (output !== undefined) outputs.set(index, contentOf(output));
  }
  for (const output of wanted.slice(before.length)) add(outputs, output);
  return true;
}

function add(outputs: IOutputAreaModel, output: Output): void {
  // Two streams of one name that the document keeps apart stay apart.
  Reflect.set(outputs, '_lastStreamName', '');
  outputs.add(contentOf(output));
}

function remove(outputs: IOutputAreaModel, index: number): void {
  // Part of the model's class, though not of its interface.
  (outputs as IOutputAreaModel & { remove(index: number): void }).remove(index);
}

function followText(outputs: IOutputAreaModel, index: number, output: Output): void {
  const shownText = outputs.get(index)?.streamText;
  const text = output.get('text');
  if (shownText === undefined || text === undefined) return;
  const wanted = textOf(text);
  if (wanted.length === shownText.text.length && wanted === shownText.text) return;
  if (wanted.startsWith(shownText.text)) shownText.insert(shownText.text.length, wanted.slice(shownText.text.length));
  else shownText.text = wanted;
}

function isStream(output: Output | undefined): boolean {
  return output?.get('output_type') === 'stream';
}

function contentOf(output: Output): Parameters<IOutputAreaModel['add']>[0] {
  // An output of nbformat, as the server wrote it.
  return output.toJSON() as Parameters<IOutputAreaModel['add']>[0];
}

function textOf(text: unknown): string {
  if (text instanceof Y.Text) return text.toJSON();
  return Array.isArray(text) ? text.join('') : String(text);
}
