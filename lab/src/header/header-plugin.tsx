import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILabShell } from '@jupyterlab/application';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { ReactWidget } from '@jupyterlab/ui-components';
import { BoxLayout, Menu } from '@lumino/widgets';
import * as React from 'react';
import { environmentCommands } from '../environment/environment-commands.ts';
import type { EnvironmentGate } from '../environment/gate.ts';
import { IEnvironmentGate } from '../environment/gate.ts';
import type { EnvironmentWatch } from '../environment/environment-watch.ts';
import { IEnvironmentWatch } from '../environment/environment-watch.ts';
import type { Savings } from '../documents/savings.ts';
import { ISavings } from '../documents/savings.ts';
import { Header } from './Header.tsx';
import { createPauseBanner } from './PauseBanner.tsx';
import './accent.css';
import './header.css';

export const headerPlugin: JupyterFrontEndPlugin<void> = {
  id: 'terrarium:header',
  description: 'The bar above JupyterLab: workspace, mode, saving, environment.',
  autoStart: true,
  requires: [ILabShell, IEnvironmentWatch, IEnvironmentGate, ISavings, IDocumentManager],
  activate: (
    { commands }: JupyterFrontEnd,
    shell: ILabShell,
    watch: EnvironmentWatch,
    gate: EnvironmentGate,
    savings: Savings,
    documents: IDocumentManager,
  ) => {
    const open = (path: string): void => void documents.openOrReveal(path);
    const menu = createEnvironmentMenu(commands);
    const openMenu = (below: HTMLElement): void => {
      const { right, bottom } = below.getBoundingClientRect();
      menu.open(right, bottom + 4, { horizontalAlignment: 'right' });
    };
    const widget = ReactWidget.create(
      <Header watch={watch} gate={gate} savings={savings} openMenu={openMenu} open={open} />,
    );
    widget.id = 'terrarium-header';
    widget.addClass('tr-Header');
    widget.node.setAttribute('role', 'banner');
    shell.add(widget, 'header', { rank: 0 });
    shell.add(createPauseBanner(watch), 'header', { rank: 1 });
    // The banner joins the header without a gap.
    if (widget.parent?.layout instanceof BoxLayout) widget.parent.layout.spacing = 0;
  },
};

function createEnvironmentMenu(commands: JupyterFrontEnd['commands']): Menu {
  const menu = new Menu({ commands });
  for (const command of environmentCommands.now) menu.addItem({ command });
  menu.addItem({ type: 'separator' });
  for (const command of environmentCommands.keep) menu.addItem({ command });
  return menu;
}
