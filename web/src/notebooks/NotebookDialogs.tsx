import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import type { NotebookSummary, Workspace } from '@terrarium/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { serverErrors } from '../ui/form.ts';
import { formatBytes } from '../ui/formats.ts';
import { CopyToWorkspaceDialog } from './CopyToWorkspaceDialog.tsx';
import { freeTitle, pathOf, titleOf, titleProblem } from './names.ts';

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
    case 'rename':
      return <NameDialog {...props} />;
  }
}

function NameDialog({ workspace, dialog, existing, onClose, onDone }: NotebookDialogsProps) {
  const queryClient = useQueryClient();
  const { namespace, name } = workspace;
  const { path } = dialog.notebook;
  const isCopy = dialog.kind === 'copy';
  const [title, setTitle] = useState(() => (isCopy ? freeTitle(`${titleOf(path)} copy`, existing) : titleOf(path)));
  const [problem, setProblem] = useState<string>();
  const save = useMutation({
    mutationFn: () => {
      const call = { params: { namespace, name, path }, body: { to: pathOf(title) } };
      return isCopy ? api.copyNotebook(call) : api.renameNotebook(call);
    },
    onSuccess: async (notebook) => {
      await queryClient.invalidateQueries({ queryKey: ['notebooks', namespace, name] });
      onClose();
      onDone?.(notebook.path);
    },
  });
  const refused = serverErrors(save.error, ['to']);
  return (
    <Modal opened onClose={onClose} title={`${isCopy ? 'Copy' : 'Rename'} "${titleOf(path)}"`}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (!isCopy && pathOf(title) === path) {
            onClose();
            return;
          }
          const found = titleProblem(title, existing);
          setProblem(found);
          if (found === undefined) save.mutate();
        }}
      >
        <Stack gap="sm">
          <TextInput
            label={isCopy ? 'Name of the copy' : 'New name'}
            data-autofocus
            autoComplete="off"
            value={title}
            error={problem ?? refused.fields['to']}
            onFocus={(event) => event.currentTarget.select()}
            onChange={(event) => setTitle(event.currentTarget.value)}
          />
          <ErrorNote error={refused.rest} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={save.isPending}>
              {isCopy ? 'Copy' : 'Rename'}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
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
