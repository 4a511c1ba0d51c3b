import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILabShell } from '@jupyterlab/application';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { EnvironmentGate } from '../environment/gate.ts';
import { IEnvironmentGate } from '../environment/gate.ts';
import type { EnvironmentWatch } from '../environment/environment-watch.ts';
import { IEnvironmentWatch } from '../environment/environment-watch.ts';
import type { Savings } from '../documents/savings.ts';
import { ISavings } from '../documents/savings.ts';
import { Header } from './Header.tsx';
import './accent.css';
import './header.css';

export const headerPlugin: JupyterFrontEndPlugin<void> = {
  id: 'terrarium:header',
  description: 'The bar above JupyterLab: workspace, mode, saving, environment.',
  autoStart: true,
  requires: [ILabShell, IEnvironmentWatch, IEnvironmentGate, ISavings, IDocumentManager],
  activate: (
    _,
    shell: ILabShell,
    watch: EnvironmentWatch,
    gate: EnvironmentGate,
    savings: Savings,
    documents: IDocumentManager,
  ) => {
    const open = (path: string): void => void documents.openOrReveal(path);
    const widget = ReactWidget.create(<Header watch={watch} gate={gate} savings={savings} open={open} />);
    widget.id = 'terrarium-header';
    widget.addClass('tr-Header');
    widget.node.setAttribute('role', 'banner');
    shell.add(widget, 'header', { rank: 0 });
  },
};
