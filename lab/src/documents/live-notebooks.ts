import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import type { Contents, Drive, User } from '@jupyterlab/services';
import { ITranslator } from '@jupyterlab/translation';
import { ICollaborativeContentProvider } from '@jupyter/collaborative-drive';
import { RtcContentProvider } from '@jupyter/docprovider/lib/ydrive.js';
import { YNotebook } from '@jupyter/ydoc';
import { Token } from '@lumino/coreutils';
import { type ISignal, Signal } from '@lumino/signaling';
import type { EnvironmentWatch } from '../environment/environment-watch.ts';
import { IEnvironmentWatch } from '../environment/environment-watch.ts';
import { LiveNotebook } from './live-notebook.ts';
import { copyPath, isLivePath, isPlaygroundFolder } from './live-paths.ts';

const replaceAgainMs = 5_000;

export const ILiveNotebooks = new Token<LiveNotebooks>(
  'terrarium:ILiveNotebooks',
  'The notebooks that are open here as live documents of the server.',
);

/** The notebooks that are open here as live documents of the server. */
export class LiveNotebooks {
  readonly #byModel = new Map<object, LiveNotebook>();
  readonly #opened = new Signal<this, LiveNotebook>(this);

  /** The live notebook behind a shared model; undefined for a file that is saved as a whole. */
  of(sharedModel: object): LiveNotebook | undefined {
    return this.#byModel.get(sharedModel);
  }

  get all(): readonly LiveNotebook[] {
    return [...this.#byModel.values()];
  }

  get opened(): ISignal<this, LiveNotebook> {
    return this.#opened;
  }

  add(notebook: LiveNotebook): void {
    const { sharedModel } = notebook;
    this.#byModel.set(sharedModel, notebook);
    sharedModel.disposed.connect(() => this.#byModel.delete(sharedModel));
    this.#opened.emit(notebook);
  }
}

export const liveNotebooksPlugin: JupyterFrontEndPlugin<LiveNotebooks> = {
  id: 'terrarium:live-notebooks',
  description: 'Opens notebooks of the workspace as live documents.',
  autoStart: true,
  provides: ILiveNotebooks,
  requires: [IEnvironmentWatch],
  activate: (_: JupyterFrontEnd, watch: EnvironmentWatch) => {
    const notebooks = new LiveNotebooks();
    const wake = (): void => {
      for (const { room } of notebooks.all) room.wake();
    };
    window.addEventListener('online', wake);
    window.addEventListener('offline', wake);
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) wake();
    });
    watch.reconnected.connect(wake);
    window.addEventListener('beforeunload', (event) => {
      if (notebooks.all.some(({ room }) => room.hasUnsaved)) event.preventDefault();
    });
    return notebooks;
  },
};

/** Where JupyterLab gets the contents of notebooks: of those of the workspace over their rooms, of others as before. */
export const liveContentsPlugin: JupyterFrontEndPlugin<ICollaborativeContentProvider> = {
  id: 'terrarium:live-contents',
  autoStart: true,
  provides: ICollaborativeContentProvider,
  requires: [ILiveNotebooks, ITranslator, IDocumentManager],
  activate: (
    { serviceManager }: JupyterFrontEnd,
    notebooks: LiveNotebooks,
    translator: ITranslator,
    documents: IDocumentManager,
  ) => {
    // The manager's own type leaves out the drive that it always has.
    const contents = serviceManager.contents as Contents.IManager & { readonly defaultDrive: Drive };
    const { defaultDrive } = contents;
    const provider = new NotebookContents(defaultDrive, notebooks, serviceManager.user, translator);
    defaultDrive.contentProviderRegistry.register('rtc', provider);
    onlyForLivePaths(contents);
    showNotebooksInsteadOfPlaygrounds(contents);
    notebooks.opened.connect((_, notebook) => {
      notebook.noticed.connect((_notebook, message) => Notification.info(message, { autoClose: 15_000 }));
      notebook.moved.connect((_notebook, { from, to }) => provider.announceMove(from, to));
      replaceWhenHistoryIsLost(notebook, contents, documents);
    });
    return provider;
  },
};

class NotebookContents extends RtcContentProvider {
  readonly #drive: Drive;
  readonly #moves: Signal<Drive, Contents.IChangedArgs>;

  constructor(drive: Drive, notebooks: LiveNotebooks, user: User.IManager, translator: ITranslator) {
    const moves = new Signal<Drive, Contents.IChangedArgs>(drive);
    drive.fileChanged.connect((_, change) => moves.emit(change));
    super({
      user,
      trans: translator.load('jupyter_collaboration'),
      globalAwareness: null,
      serverSettings: drive.serverSettings,
      currentDrive: drive,
      fileChanged: moves,
      providerFactory: {
        create: ({ path, model }) => {
          if (!(model instanceof YNotebook)) throw new Error('Only notebooks are live.');
          const notebook = new LiveNotebook({ path, sharedModel: model, user, settings: drive.serverSettings });
          notebooks.add(notebook);
          return notebook;
        },
      },
    });
    moves.connect((_, change) => {
      const to = change.newValue?.path;
      if (change.type !== 'rename' || to === undefined) return;
      for (const notebook of notebooks.all) if (notebook.path === change.oldValue?.path) notebook.path = to;
    });
    this.#drive = drive;
    this.#moves = moves;
  }

  /** Tells JupyterLab of a rename that was made elsewhere. */
  announceMove(from: string, to: string): void {
    this.#moves.emit({ type: 'rename', oldValue: { path: from }, newValue: { path: to } });
  }

  override save(path: string, options: Parameters<RtcContentProvider['save']>[1] = {}): Promise<Contents.IModel> {
    const isOpen = this.providers.has(`${options.format ?? ''}:${options.type ?? ''}:${path}`);
    return isOpen ? super.save(path, options) : this.#drive.save(path, options);
  }
}

/** JupyterLab takes every notebook for a shared one as soon as one kind is; those on the disk are saved as files. */
function onlyForLivePaths(contents: Contents.IManager): void {
  const factoryFor = contents.getSharedModelFactory.bind(contents);
  contents.getSharedModelFactory = (path, options) => (isLivePath(path) ? factoryFor(path, options) : null);
}

/** The file browser goes to the folder of whatever is opened. */
function showNotebooksInsteadOfPlaygrounds(contents: Contents.IManager): void {
  const get = contents.get.bind(contents);
  contents.get = (path, options) => get(isPlaygroundFolder(path) ? 'notebooks' : path, options);
}

/**
 * The server may have lost a document's history, as after a restore from a backup. Two histories have no common past to
 * be merged by, so the window starts again from the server's, and keeps what only it has as a notebook of its own.
 */
function replaceWhenHistoryIsLost(
  notebook: LiveNotebook,
  contents: Contents.IManager,
  documents: IDocumentManager,
): void {
  let isReplacing = false;
  const replace = async (): Promise<void> => {
    const { path } = notebook;
    const copy = notebook.room.hasUnsaved ? copyPath(path, new Date()) : undefined;
    const content = notebook.sharedModel.toJSON();
    if (copy !== undefined) await contents.save(copy, { type: 'notebook', format: 'json', content });
    await documents.closeFile(path);
    documents.openOrReveal(path);
    if (copy === undefined) return;
    Notification.warning(
      // Notifications show 140 characters.
      `Your edits are kept as "${PathExt.basename(copy)}". ` +
        'The server has another history of this notebook, so it was opened anew.',
      { autoClose: false, actions: [{ label: 'Open my copy', callback: () => documents.openOrReveal(copy) }] },
    );
  };
  const tryToReplace = (): void => {
    const { connection } = notebook.room;
    if (connection.kind !== 'ended' || connection.why !== 'replaced' || isReplacing || notebook.isDisposed) return;
    isReplacing = true;
    replace().catch((error: unknown) => {
      // The window stays as it is, and nothing in it is lost.
      console.warn('What this window had could not be kept as a copy yet.', error);
      isReplacing = false;
      window.setTimeout(tryToReplace, replaceAgainMs);
    });
  };
  notebook.changed.connect(tryToReplace);
}
