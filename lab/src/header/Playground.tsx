import { InputDialog, showErrorMessage } from '@jupyterlab/apputils';
import * as React from 'react';
import { playgroundName } from '../documents/live-paths.ts';
import type { Savings } from '../documents/savings.ts';
import { keepPlayground } from '../environment/requests.ts';
import { canEdit } from '../workspace.ts';
import { useSignal } from './use-signal.ts';

/** Says that the notebook in front is a private copy, and keeps it as a notebook of the workspace if that is wanted. */
export function Playground(props: {
  readonly savings: Savings;
  readonly open: (path: string) => void;
}): React.JSX.Element | null {
  const { savings, open } = props;
  useSignal(savings.changed);
  const path = savings.notebook?.path;
  const name = path === undefined ? undefined : playgroundName(path);
  if (path === undefined || name === undefined) return null;
  const keep = async (): Promise<void> => {
    const answer = await InputDialog.getText({
      title: 'Keep as a new notebook',
      label: 'Its name in the notebooks of this workspace:',
      text: name,
      selectionRange: name.length - '.ipynb'.length,
      okLabel: 'Keep',
    });
    const wanted = answer.value?.trim() ?? '';
    if (!answer.button.accept || wanted === '') return;
    const to = `notebooks/${wanted.endsWith('.ipynb') ? wanted : `${wanted}.ipynb`}`;
    open((await keepPlayground({ path, to })).path);
  };
  return (
    <span className="tr-Playground">
      <strong>Playground</strong>
      <span className="tr-Playground-text">Edits are not saved to the workspace</span>
      {canEdit && (
        <button
          type="button"
          className="tr-Button"
          onClick={() => {
            keep().catch((error: unknown) =>
              showErrorMessage('It was not kept', error instanceof Error ? error.message : String(error)),
            );
          }}
        >
          Keep as a new notebook
        </button>
      )}
    </span>
  );
}
