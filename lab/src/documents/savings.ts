import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILabShell } from '@jupyterlab/application';
import { IDocumentManager, IDocumentWidgetOpener } from '@jupyterlab/docmanager';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { Token } from '@lumino/coreutils';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';
import type { LiveNotebook } from './live-notebook.ts';
import type { LiveNotebooks } from './live-notebooks.ts';
import { ILiveNotebooks } from './live-notebooks.ts';
import { LiveSaving } from './live-saving.ts';
import { Saving, type DocumentSaving, type SaveState } from './saving.ts';

const saveNamed = 'terrarium:save-named-version';

export const ISavings = new Token<Savings>('terrarium:ISavings', 'How saving stands for every open document.');

/** How saving stands for every open document. */
export class Savings {
  readonly #shell: ILabShell;
  readonly #documents: IDocumentManager;
  readonly #notebooks: LiveNotebooks;
  readonly #byContext = new Map<object, DocumentSaving>();
  readonly #changed = new Signal<this, void>(this);

  constructor(options: {
    shell: ILabShell;
    documents: IDocumentManager;
    opener: IDocumentWidgetOpener;
    notebooks: LiveNotebooks;
  }) {
    const { shell, documents, opener, notebooks } = options;
    this.#shell = shell;
    this.#documents = documents;
    this.#notebooks = notebooks;
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

  /** The live notebook in front, if it is one. */
  get notebook(): LiveNotebook | undefined {
    const sharedModel = this.#contextInFront()?.model.sharedModel;
    return sharedModel === undefined ? undefined : this.#notebooks.of(sharedModel);
  }

  /** Keeps a version of the notebook in front under a name that is asked for. */
  async saveNamed(): Promise<void> {
    const saving = this.#inFront();
    if (saving instanceof LiveSaving) await saving.saveNamed();
  }

  #inFront(): DocumentSaving | undefined {
    const unsaved = [...this.#byContext.values()].find(({ state }) => state.kind === 'failed');
    const context = this.#contextInFront();
    return unsaved ?? (context === undefined ? undefined : this.#byContext.get(context));
  }

  #contextInFront() {
    const widget = this.#shell.currentWidget;
    return widget === null ? undefined : this.#documents.contextForWidget(widget);
  }

  async #follow(widget: Widget): Promise<void> {
    const context = this.#documents.contextForWidget(widget);
    if (context === undefined || this.#byContext.has(context)) return;
    await context.ready.catch(() => undefined);
    if (!context.isReady || context.isDisposed || this.#byContext.has(context)) return;
    const notebook = this.#notebooks.of(context.model.sharedModel);
    const saving =
      notebook === undefined
        ? new Saving(context, (path) => void this.#documents.openOrReveal(path))
        : new LiveSaving(context, notebook);
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
  requires: [ILabShell, IDocumentManager, IDocumentWidgetOpener, ILiveNotebooks],
  optional: [IMainMenu],
  activate: (
    { commands }: JupyterFrontEnd,
    shell: ILabShell,
    documents: IDocumentManager,
    opener: IDocumentWidgetOpener,
    notebooks: LiveNotebooks,
    menu: IMainMenu | null,
  ): Savings => {
    const savings = new Savings({ shell, documents, opener, notebooks });
    commands.addCommand(saveNamed, {
      label: 'Save Named Version…',
      caption: 'Keep a version of this notebook under a name, in its history',
      isEnabled: () => savings.notebook?.readOnlyReason === null && savings.state?.kind !== 'read-only',
      execute: () => savings.saveNamed(),
    });
    commands.addKeyBinding({ command: saveNamed, keys: ['Accel Alt S'], selector: '.jp-Notebook' });
    menu?.fileMenu.addGroup([{ command: saveNamed }], 4);
    savings.changed.connect(() => commands.notifyCommandChanged(saveNamed));
    return savings;
  },
};
