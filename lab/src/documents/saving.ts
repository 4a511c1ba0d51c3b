import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { type Contents, ServerConnection } from '@jupyterlab/services';
import { type ISignal, Signal } from '@lumino/signaling';
import { copyPath } from './live-paths.ts';

const saveDelayMs = 2_000;
const retryDelaysMs = [2_000, 4_000, 8_000, 15_000, 30_000];

export type SaveState =
  | { readonly kind: 'saved'; readonly at: Date; readonly live?: LiveDetail }
  | { readonly kind: 'unsaved' }
  | { readonly kind: 'saving' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'read-only'; readonly live?: { readonly reason: string; readonly isAway: boolean } };

/** Where what is saved is, of a notebook that the server holds. */
export interface LiveDetail {
  readonly isPlayground: boolean;
  /** When the bucket last had everything, in epoch ms; null when that is not known. */
  readonly storedAt: number | null;
  /** Why the bucket does not have it yet. */
  readonly bucketTrouble: string | null;
}

/** How saving stands for one document. */
export interface DocumentSaving {
  readonly state: SaveState;
  readonly changed: ISignal<unknown, void>;
  /** Saves now what can be saved. Never throws: how it went is in `state`. */
  save(): Promise<void>;
}

type Context = DocumentRegistry.Context;

/**
 * Saves one document soon after each change, says how that stands, and keeps trying while it fails.
 *
 * INVARIANTS: 'saved' is said only when the server has accepted everything that is in the editor; a change made while a
 * save is under way leaves the document unsaved. A failed save leaves the editor as it is.
 */
export class Saving implements DocumentSaving {
  readonly #context: Context;
  readonly #openCopy: (path: string) => void;
  #state: SaveState;
  #timer: number | undefined;
  #failures = 0;
  #changesDuringSave = 0;
  #isSaving = false;
  #isAskingAboutConflict = false;
  readonly #changed = new Signal<this, void>(this);

  /** @param openCopy  opens the copy that keeps this person's version after a conflict */
  constructor(context: Context, openCopy: (path: string) => void) {
    this.#context = context;
    this.#openCopy = openCopy;
    this.#state = context.canSave ? { kind: 'saved', at: new Date() } : { kind: 'read-only' };
    // Reading adds metadata that the file lacks. That alone is no reason to write it.
    context.model.dirty = false;
    context.model.contentChanged.connect(this.#onChange, this);
    context.saveState.connect(this.#onSaveState, this);
    context.disposed.connect(() => window.clearTimeout(this.#timer));
    this.#silenceDialogs();
    this.#saveOneAfterTheOther();
  }

  get state(): SaveState {
    return this.#state;
  }

  get changed(): ISignal<this, void> {
    return this.#changed;
  }

  /** Saves now. Never throws: how it went is in `state`. */
  async save(): Promise<void> {
    window.clearTimeout(this.#timer);
    if (this.#isSaving || this.#isAskingAboutConflict || this.#context.isDisposed || !this.#context.canSave) return;
    try {
      await this.#context.save();
    } catch {
      // `saveState` and the replaced error dialog have told already.
    }
  }

  #onChange(): void {
    if (this.#state.kind === 'read-only') return;
    if (this.#isSaving) {
      this.#changesDuringSave += 1;
      return;
    }
    if (!this.#context.model.dirty) return;
    if (this.#state.kind !== 'failed') this.#set({ kind: 'unsaved' });
    this.#schedule(this.#failures === 0 ? saveDelayMs : this.#retryDelay());
  }

  #onSaveState(_: unknown, state: DocumentRegistry.SaveState): void {
    if (state === 'started') {
      this.#isSaving = true;
      this.#changesDuringSave = 0;
      this.#set({ kind: 'saving' });
      return;
    }
    this.#isSaving = false;
    if (state === 'completed') {
      this.#failures = 0;
      if (this.#changesDuringSave === 0) {
        this.#set({ kind: 'saved', at: new Date() });
        return;
      }
      // Context marks the model clean when a save ends, although it sent what was there when the save began.
      this.#context.model.dirty = true;
      this.#set({ kind: 'unsaved' });
      this.#schedule(saveDelayMs);
      return;
    }
    this.#failures += 1;
    this.#context.model.dirty = true;
    if (this.#state.kind !== 'failed') this.#set({ kind: 'failed', reason: 'The server did not accept it.' });
    this.#schedule(this.#retryDelay());
  }

  #schedule(delay: number): void {
    // A running timer is kept, so that steady typing cannot put a save off for ever.
    if (this.#timer !== undefined) return;
    this.#timer = window.setTimeout(() => {
      this.#timer = undefined;
      void this.save();
    }, delay);
  }

  #retryDelay(): number {
    return retryDelaysMs[Math.min(this.#failures, retryDelaysMs.length) - 1] ?? saveDelayMs;
  }

  #set(state: SaveState): void {
    if (state.kind === 'saving' || state.kind === 'saved') {
      window.clearTimeout(this.#timer);
      this.#timer = undefined;
    }
    this.#state = state;
    this.#changed.emit();
  }

  /**
   * Context answers a failed save with a modal dialog, which an automatic save would raise again and again, and a
   * conflict with a choice between two ways to lose work. It has no public way to replace either.
   */
  #silenceDialogs(): void {
    const showError: unknown = Reflect.get(this.#context, '_handleError');
    Reflect.set(this.#context, '_handleError', (error: unknown, title: string): Promise<void> => {
      if (this.#isSaving) {
        this.#set({ kind: 'failed', reason: reasonOf(error) });
        return Promise.resolve();
      }
      if (typeof showError !== 'function') return Promise.resolve();
      return Promise.resolve(Reflect.apply(showError, this.#context, [error, title]));
    });
    Reflect.set(this.#context, '_raiseConflict', (model: Contents.IModel, options: Partial<Contents.IModel>) =>
      this.#resolveConflict(model, options),
    );
  }

  /** Two saves at once would each take the other for a stranger's change. */
  #saveOneAfterTheOther(): void {
    const save = this.#context.save.bind(this.#context);
    let last: Promise<void> = Promise.resolve();
    this.#context.save = () => {
      last = last.then(save, save);
      return last;
    };
  }

  /** @returns what is stored in the end, as Context expects it */
  async #resolveConflict(stored: Contents.IModel, mine: Partial<Contents.IModel>): Promise<Contents.IModel> {
    const reason = 'It was changed somewhere else meanwhile. Choose which version to keep.';
    if (this.#isAskingAboutConflict) throw cancelled();
    this.#isAskingAboutConflict = true;
    try {
      const result = await showDialog({
        title: 'Changed somewhere else',
        body:
          `"${this.#context.localPath}" was changed in another window, by another person or on the disk since you ` +
          'opened it. Keep both saves your version beside it as a copy and opens the copy; the other two choices lose one.',
        buttons: [
          Dialog.cancelButton({ label: 'Later' }),
          Dialog.warnButton({ label: 'Use theirs', actions: ['theirs'] }),
          Dialog.warnButton({ label: 'Use mine', actions: ['mine'] }),
          Dialog.okButton({ label: 'Keep both', actions: ['both'] }),
        ],
        defaultButton: 3,
      });
      const [choice] = result.button.actions;
      const contents = this.#contents();
      if (choice === 'mine') return await contents.save(this.#context.path, mine);
      if (choice === 'theirs') {
        return await this.#takeStored(stored);
      }
      if (choice === 'both') {
        const path = copyPath(this.#context.path, new Date());
        await contents.save(path, mine);
        this.#openCopy(path);
        return await this.#takeStored(stored);
      }
    } finally {
      this.#isAskingAboutConflict = false;
    }
    this.#isSaving = false;
    this.#failures = retryDelaysMs.length;
    this.#set({ kind: 'failed', reason });
    throw cancelled();
  }

  async #takeStored(stored: Contents.IModel): Promise<Contents.IModel> {
    await this.#context.revert();
    this.#changesDuringSave = 0;
    return stored;
  }

  #contents(): Contents.IManager {
    // Context keeps the service manager it was made with to itself.
    return (Reflect.get(this.#context, '_manager') as { contents: Contents.IManager }).contents;
  }
}

function cancelled(): Error {
  const error = new Error('Cancel');
  // The name by which Context and its callers know that a person put the save off.
  error.name = 'ModalCancelError';
  return error;
}

function reasonOf(error: unknown): string {
  if (error instanceof ServerConnection.NetworkError)
    return 'Terrarium cannot be reached. It is tried again by itself.';
  if (error instanceof ServerConnection.ResponseError) {
    if (error.response.status === 401)
      return 'You are signed out. Open the workspace again from the app in another tab.';
    if (error.response.status === 413) return 'It is too large to be saved. Clear some outputs.';
  }
  return error instanceof Error ? error.message : String(error);
}
