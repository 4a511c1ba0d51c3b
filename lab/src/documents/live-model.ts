import { StaticNotebook } from '@jupyterlab/notebook';
import { type ISharedNotebook, YCodeCell, type YNotebook } from '@jupyter/ydoc';

interface NotebookInternals {
  _onCellsChanged(this: StaticNotebook, cells: { readonly length: number }, change: unknown): void;
}

const live = new WeakSet<object>();

/** Whether the cells of this notebook are those of a document that the server holds. */
export function isLive(notebook: ISharedNotebook | null): boolean {
  return notebook !== null && live.has(notebook);
}

/**
 * Leaves to the server what is the server's in a shared notebook: that it is stored, and which cells run. JupyterLab
 * writes both from every window, each by what it happens to know.
 * @param isReadOnly  asked at each change; where it says yes, nothing is changed
 */
export function leaveToServer(notebook: YNotebook, isReadOnly: () => boolean): void {
  live.add(notebook);
  Object.defineProperty(notebook, 'dirty', {
    get: () => false,
    set() {
      // It is dirty nowhere: what is changed is sent at once.
    },
  });
  const { ydoc } = notebook;
  const transact = ydoc.transact.bind(ydoc);
  // Everything that changes a notebook here passes it; what comes from the server does not.
  ydoc.transact = <T>(work: Parameters<typeof transact<T>>[0], origin?: unknown): T => {
    // What is not done has no result, and no caller here reads one.
    return isReadOnly() ? (undefined as T) : transact(work, origin);
  };
}

/**
 * Leaves it to the server to give a notebook without cells a first one. JupyterLab adds one in every window that sees the
 * last cell go. Call it once, before any notebook is opened.
 */
export function leaveFirstCellToServer(): void {
  // `as` twice: the method is private to its class.
  const internals = StaticNotebook.prototype as unknown as NotebookInternals;
  const { _onCellsChanged } = internals;
  internals._onCellsChanged = function (cells, change) {
    const isLeft = cells.length > 0 || !isLive(this.model?.sharedModel ?? null);
    // Of the list it reads nothing but whether it is empty.
    _onCellsChanged.call(this, isLeft ? cells : { length: 1 }, change);
  };
}

/** Call it once, before any notebook is opened. */
export function leaveExecutionStateToServer(): void {
  const own = Object.getOwnPropertyDescriptor(YCodeCell.prototype, 'executionState');
  if (own?.get === undefined || own.set === undefined) throw new Error('A shared cell has no executionState.');
  const { get, set } = own;
  Object.defineProperty(YCodeCell.prototype, 'executionState', {
    ...own,
    get,
    set(this: YCodeCell, state: unknown) {
      if (!isLive(this.notebook)) set.call(this, state);
    },
  });
}
