import { Text } from '@mantine/core';
import type { NotebookSummary, Workspace } from '@terrarium/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api } from '../api.ts';
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx';
import { formatBytes } from '../ui/formats.ts';
import { CopyToWorkspaceDialog } from './CopyToWorkspaceDialog.tsx';
import { NameDialog } from './NameDialog.tsx';
import { freeTitle, titleOf } from './names.ts';

export interface NotebookDialog {
  readonly kind: 'copy' | 'copyToWorkspace' | 'rename' | 'delete';
  readonly notebook: Pick<NotebookSummary, 'path' | 'size'>;
}

interface NotebookDialogsProps {
  workspace: Workspace;
  dialog: NotebookDialog;
  /** Paths of the notebooks there are. */
  existing: readonly string[];
  onClose: () => void;
  /** Called with the path of the copy, or the new path. */
  onDone?: (path: string) => void;
}

/** Copy, here or to another workspace, rename and delete. */
export function NotebookDialogs(props: NotebookDialogsProps) {
  switch (props.dialog.kind) {
    case 'delete':
      return <DeleteDialog {...props} />;
    case 'copyToWorkspace':
      return (
        <CopyToWorkspaceDialog workspace={props.workspace} path={props.dialog.notebook.path} onClose={props.onClose} />
      );
    case 'copy':
      return <CopyDialog {...props} />;
    case 'rename':
      return <RenameDialog {...props} />;
  }
}

function CopyDialog({ workspace, dialog, existing, onClose, onDone }: NotebookDialogsProps) {
  const { namespace, name } = workspace;
  const { path } = dialog.notebook;
  return (
    <NameDialog
      workspace={workspace}
      heading={`Copy "${titleOf(path)}"`}
      label="Name of the copy"
      action="Copy"
      title={freeTitle(`${titleOf(path)} copy`, existing)}
      existing={existing}
      save={(to) => api.copyNotebook({ params: { namespace, name, path }, body: { to } })}
      field="to"
      onDone={(copy) => onDone?.(copy.path)}
      onClose={onClose}
    />
  );
}

function RenameDialog({ workspace, dialog, existing, onClose, onDone }: NotebookDialogsProps) {
  const { namespace, name } = workspace;
  const { path } = dialog.notebook;
  return (
    <NameDialog
      workspace={workspace}
      heading={`Rename "${titleOf(path)}"`}
      label="New name"
      action="Rename"
      title={titleOf(path)}
      current={path}
      existing={existing}
      save={(to) => api.renameNotebook({ params: { namespace, name, path }, body: { to } })}
      field="to"
      onDone={(renamed) => onDone?.(renamed.path)}
      onClose={onClose}
    />
  );
}

function DeleteDialog({ workspace, dialog, onClose, onDone }: NotebookDialogsProps) {
  const queryClient = useQueryClient();
  const { namespace, name } = workspace;
  const { path, size } = dialog.notebook;
  const remove = useMutation({
    mutationFn: () => api.deleteNotebook({ params: { namespace, name, path } }),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['notebooks', namespace, name] });
      onClose();
      onDone?.(path);
    },
  });
  return (
    <ConfirmDialog
      title={`Delete "${titleOf(path)}"?`}
      action="Delete notebook"
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <Text>
        Lost: the notebook with its code and outputs ({formatBytes(size)}), for everyone in the workspace. For 30 days
        it can be restored under "Deleted notebooks". Data files and other notebooks stay.
      </Text>
    </ConfirmDialog>
  );
}
