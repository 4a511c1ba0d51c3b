import * as React from 'react';
import type { EnvironmentGate } from '../environment/gate.ts';
import type { EnvironmentWatch } from '../environment/environment-watch.ts';
import type { Savings } from '../documents/savings.ts';
import { canEdit, workspace, workspaceUrl } from '../workspace.ts';
import { EnvironmentControl } from './EnvironmentControl.tsx';
import { People } from './People.tsx';
import { Playground } from './Playground.tsx';
import { SaveStatus } from './SaveStatus.tsx';

export interface HeaderProps {
  readonly watch: EnvironmentWatch;
  readonly gate: EnvironmentGate;
  readonly savings: Savings;
  /** Opens the environment's menu below that element. */
  readonly openMenu: (below: HTMLElement) => void;
  /** Opens a document, by its path. */
  readonly open: (path: string) => void;
}

/** The slim bar above JupyterLab: where one is, what is saved, and the environment with what it costs. */
export function Header({ watch, gate, savings, openMenu, open }: HeaderProps): React.JSX.Element {
  const back = workspaceUrl('notebooks');
  const leave = (event: React.MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    void savings.flush().then(() => window.location.assign(back));
  };
  return (
    <>
      <a className="tr-Header-back" href={back} onClick={leave} title="Back to the notebooks of this workspace">
        <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
          <path d="M9.5 3.5 5 8l4.5 4.5" fill="none" stroke="currentColor" strokeWidth="1.6" />
        </svg>
        <span className="tr-Header-namespace">{workspace.namespace}</span>
        <span className="tr-Header-slash">/</span>
        <span className="tr-Header-name">{workspace.name}</span>
      </a>
      <span className="tr-Header-mode">{canEdit ? 'Edit' : 'Read only'}</span>
      <Playground savings={savings} open={open} />
      <SaveStatus savings={savings} />
      <span className="tr-Header-space" />
      <People savings={savings} />
      <EnvironmentControl watch={watch} gate={gate} openMenu={openMenu} />
    </>
  );
}
