import type { Workspace } from '@terrarium/contract';
import { api } from '../api.ts';
import { nameWithin } from './modes.ts';
import { NameDialog } from './NameDialog.tsx';
import { freeTitle, titleOf } from './names.ts';

interface KeepPlaygroundDialogProps {
  workspace: Workspace;
  path: string;
  /** The notebook it was made from. */
  source: string | null;
  existing: readonly string[];
  onClose: () => void;
}

/** Stores a playground as a new notebook of the workspace. */
export function KeepPlaygroundDialog({ workspace, path, source, existing, onClose }: KeepPlaygroundDialogProps) {
  const { namespace, name } = workspace;
  return (
    <NameDialog
      workspace={workspace}
      heading={`Keep "${titleOf(nameWithin(path))}" as a notebook`}
      intro="Everyone in the workspace will see the notebook. The playground stays as it is."
      label="Name of the notebook"
      action="Keep"
      title={freeTitle(`${titleOf(nameWithin(source ?? path))} playground`, existing)}
      existing={existing}
      save={(to) => api.keepPlayground({ params: { namespace, name, path }, body: { to } })}
      field="to"
      onClose={onClose}
    />
  );
}
