import { InputDialog, Notification } from '@jupyterlab/apputils';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { type ISignal, Signal } from '@lumino/signaling';
import type { LiveNotebook } from './live-notebook.ts';
import { playgroundName } from './live-paths.ts';
import type { DocumentSaving, SaveState } from './saving.ts';
import { liveSaveState, nextChangeMs, type LiveFacts } from './live-save-state.ts';

/**
 * How saving stands for a live notebook. Every change is sent as it is made; to save is to keep a version with a name.
 *
 * INVARIANT: 'saved' is said only when everything done in this window is on the server's disk.
 */
export class LiveSaving implements DocumentSaving {
  readonly #notebook: LiveNotebook;
  #state: SaveState;
  #timer: number | undefined;
  readonly #changed = new Signal<this, void>(this);

  constructor(context: DocumentRegistry.Context, notebook: LiveNotebook) {
    this.#notebook = notebook;
    this.#state = liveSaveState(this.#facts(), Date.now());
    notebook.changed.connect(this.#update, this);
    context.disposed.connect(() => {
      window.clearTimeout(this.#timer);
      notebook.changed.disconnect(this.#update, this);
    });
    context.save = () => this.#keepVersion(undefined);
    // The version that was kept is the checkpoint; the answer is only shown in the list of checkpoints, read afresh.
    context.createCheckpoint = () => Promise.resolve({ id: 'latest', last_modified: new Date().toISOString() });
    this.#update();
  }

  get state(): SaveState {
    return this.#state;
  }

  get changed(): ISignal<this, void> {
    return this.#changed;
  }

  async save(): Promise<void> {
    const { room } = this.#notebook;
    room.wake();
    if (!room.hasUnsaved) return;
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        window.clearTimeout(timer);
        room.changed.disconnect(check);
        resolve();
      };
      const check = (): void => {
        if (!room.hasUnsaved) finish();
      };
      const timer = window.setTimeout(finish, longestSaveMs);
      room.changed.connect(check);
    });
  }

  /** Asks for a name and keeps a version of it. */
  async saveNamed(): Promise<void> {
    const answer = await InputDialog.getText({
      title: 'Save a named version',
      label: 'It is kept in the history of this notebook under this name.',
      placeholder: 'For example: before filtering',
      okLabel: 'Save',
    });
    if (!answer.button.accept) return;
    await this.#keepVersion(answer.value?.trim() || undefined);
  }

  async #keepVersion(name: string | undefined): Promise<void> {
    const { readOnlyReason, path, room } = this.#notebook;
    if (readOnlyReason !== null || playgroundName(path) !== undefined) return;
    try {
      if (!room.isConnected) throw new Error(unreachable);
      await this.#notebook.checkpoint(name ?? new Date().toLocaleString());
      Notification.success(name === undefined ? 'Saved, and kept as a version.' : `Kept as version "${name}".`, {
        autoClose: 2_000,
      });
    } catch (error) {
      Notification.error(
        `No version was kept of "${path}": ${error instanceof Error ? error.message : String(error)}`,
        {
          actions: [{ label: 'Retry', callback: () => void this.#keepVersion(name) }],
        },
      );
    }
  }

  #update(): void {
    const now = Date.now();
    const facts = this.#facts();
    const before = this.#state;
    this.#state = liveSaveState(facts, now);
    window.clearTimeout(this.#timer);
    const next = nextChangeMs(facts, now);
    if (next !== undefined) this.#timer = window.setTimeout(() => this.#update(), next);
    // Each key that is pressed is sent and acknowledged; nobody needs to look at that.
    if (!isSaidAlike(before, this.#state)) this.#changed.emit();
  }

  #facts(): LiveFacts {
    const { room, readOnlyReason, path, storedAt } = this.#notebook;
    return {
      connection: room.connection,
      hasUnsaved: room.hasUnsaved,
      unsavedSince: room.unsavedSince,
      readOnlyReason,
      isPlayground: playgroundName(path) !== undefined,
      journalTrouble: this.#notebook.troubleWith('journal'),
      bucketTrouble: this.#notebook.troubleWith('bucket'),
      storedAt,
    };
  }
}

/** How long whoever wants to leave is kept waiting. */
const longestSaveMs = 2_000;
const unreachable = 'Terrarium cannot be reached just now. Your edits are kept in this window.';

function isSaidAlike(a: SaveState, b: SaveState): boolean {
  return JSON.stringify({ ...a, at: null }) === JSON.stringify({ ...b, at: null });
}
