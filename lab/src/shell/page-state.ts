import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IWindowResolver } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import { IStateDB, StateDB } from '@jupyterlab/statedb';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Debouncer } from '@lumino/polling';

const key = 'terrarium.page-state';

/** True when the tab is shown again as it was, instead of being opened for a document. */
export const isReturning: boolean = ['reload', 'back_forward'].includes(
  performance.getEntriesByType('navigation').map((entry) => (entry as PerformanceNavigationTiming).type)[0] ?? '',
);

/**
 * The arrangement of one tab, kept with the tab: a reload restores it, and a tab opened for a notebook shows that
 * notebook alone. JupyterLab's own keeps one arrangement per workspace name on the server and, when a second tab comes,
 * loads that one twice to give it another name.
 */
export const pageStatePlugin: JupyterFrontEndPlugin<IStateDB> = {
  id: 'terrarium:page-state',
  autoStart: true,
  provides: IStateDB,
  activate: () => {
    const contents = isReturning ? read() : {};
    const state = new StateDB({ transform: Promise.resolve({ type: 'overwrite', contents }) });
    const write = new Debouncer(async () => {
      try {
        sessionStorage.setItem(key, JSON.stringify(await state.toJSON()));
      } catch {
        // Storage is full or forbidden: the arrangement is only a convenience.
      }
    }, 300);
    state.changed.connect(() => void write.invoke());
    return state;
  },
};

export const windowNamePlugin: JupyterFrontEndPlugin<IWindowResolver> = {
  id: 'terrarium:window-name',
  autoStart: true,
  provides: IWindowResolver,
  activate: () => ({ name: PageConfig.getOption('workspace') || PageConfig.defaultWorkspace }),
};

function read(): ReadonlyPartialJSONObject {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(key) ?? '{}');
    return typeof stored === 'object' && stored !== null ? (stored as ReadonlyPartialJSONObject) : {};
  } catch {
    return {};
  }
}
