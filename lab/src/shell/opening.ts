import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILabShell } from '@jupyterlab/application';
import { PageConfig } from '@jupyterlab/coreutils';
import { IDocumentWidgetOpener } from '@jupyterlab/docmanager';
import { workspace } from '../workspace.ts';
import { isReturning } from './page-state.ts';

/** What a tab shows when it is opened: the document of its address alone, or a terminal, or the launcher. */
export const openingPlugin: JupyterFrontEndPlugin<void> = {
  id: 'terrarium:opening',
  autoStart: true,
  requires: [ILabShell, IDocumentWidgetOpener],
  activate: (app: JupyterFrontEnd, shell: ILabShell, opener: IDocumentWidgetOpener) => {
    const query = new URLSearchParams(location.search);
    const showTitle = (): void => {
      const open = shell.currentWidget?.title.label;
      const place = `${workspace.name} · Terrarium`;
      document.title = open === undefined || open === '' ? place : `${open} · ${place}`;
    };
    shell.currentChanged.connect((_, { newValue, oldValue }) => {
      oldValue?.title.changed.disconnect(showTitle);
      newValue?.title.changed.connect(showTitle);
      showTitle();
    });
    showTitle();
    if (isReturning) return;
    const isForDocument = PageConfig.getOption('treePath') !== '';
    const isForTerminal = query.get('terminal') === '1';
    if (isForDocument) closeLauncherOnceOpened(shell, opener);
    void app.restored.then(async () => {
      if (isForDocument || isForTerminal) shell.collapseLeft();
      if (!isForTerminal) return;
      history.replaceState(history.state, '', location.pathname);
      await app.commands.execute('terminal:create-new');
      closeLaunchers(shell);
    });
  },
};

/** JupyterLab fills an empty page with the launcher while the document of the address is still on its way. */
function closeLauncherOnceOpened(shell: ILabShell, opener: IDocumentWidgetOpener): void {
  shell.node.classList.add('tr-mod-opening');
  const finish = (): void => {
    opener.opened.disconnect(finish);
    shell.node.classList.remove('tr-mod-opening');
    // After the document is attached, so that the page is never empty in between.
    requestAnimationFrame(() => closeLaunchers(shell));
  };
  opener.opened.connect(finish);
  // The document may not exist; then the launcher is what there is to show.
  window.setTimeout(() => shell.node.classList.remove('tr-mod-opening'), 5_000);
}

function closeLaunchers(shell: ILabShell): void {
  const launchers = [...shell.widgets('main')].filter((widget) => widget.node.querySelector('.jp-Launcher') !== null);
  for (const launcher of launchers) launcher.close();
}
