import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILabShell } from '@jupyterlab/application';
import { IDocumentManager, IDocumentWidgetOpener } from '@jupyterlab/docmanager';
import { Token } from '@lumino/coreutils';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';
import { Saving, type SaveState } from './saving.ts';

export const ISavings = new Token<Savings>('terrarium:ISavings', 'How saving stands for every open document.');

/** How saving stands for every open document. */
export class Savings {
  readonly #shell: ILabShell;
  readonly #documents: IDocumentManager;
  readonly #byContext = new Map<object, Saving>();
  readonly #changed = new Signal<this, void>(this);

  constructor(shell: ILabShell, documents: IDocumentManager, opener: IDocumentWidgetOpener) {
    this.#shell = shell;
    this.#documents = documents;
    opener.opened.connect((_, widget) => void this.#follow(widget));
    shell.currentChanged.connect(() => this.#changed.emit());
    // The page may not come back from the background.
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) void this.flush();
    });
  }

  get changed(): ISignal<this, void> {
    return this.#changed;
  }

  /** Of the document in front, or of the first one that is not saved; undefined when no document is open. */
  get state(): SaveState | undefined {
    return this.#inFront()?.state;
  }

  /** Tries again to save what is not saved. */
  async flush(): Promise<void> {
    const open = [...this.#byContext.values()].filter(({ state }) => !['saved', 'read-only'].includes(state.kind));
    await Promise.all(open.map((saving) => saving.save()));
  }

  #inFront(): Saving | undefined {
    const unsaved = [...this.#byContext.values()].find(({ state }) => state.kind === 'failed');
    const widget = this.#shell.currentWidget;
    const context = widget === null ? undefined : this.#documents.contextForWidget(widget);
    return unsaved ?? (context === undefined ? undefined : this.#byContext.get(context));
  }

  async #follow(widget: Widget): Promise<void> {
    const context = this.#documents.contextForWidget(widget);
    if (context === undefined || this.#byContext.has(context)) return;
    await context.ready.catch(() => undefined);
    if (!context.isReady || context.isDisposed || this.#byContext.has(context)) return;
    const saving = new Saving(context, (path) => void this.#documents.openOrReveal(path));
    this.#byContext.set(context, saving);
    saving.changed.connect(() => this.#changed.emit());
    context.disposed.connect(() => {
      this.#byContext.delete(context);
      this.#changed.emit();
    });
    this.#changed.emit();
  }
}

export const savingsPlugin: JupyterFrontEndPlugin<Savings> = {
  id: 'terrarium:savings',
  description: 'Saves every document soon after it changes and says how that stands.',
  autoStart: true,
  provides: ISavings,
  requires: [ILabShell, IDocumentManager, IDocumentWidgetOpener],
  activate: (
    _: JupyterFrontEnd,
    shell: ILabShell,
    documents: IDocumentManager,
    opener: IDocumentWidgetOpener,
  ): Savings => new Savings(shell, documents, opener),
};
