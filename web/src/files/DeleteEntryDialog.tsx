import { Text } from '@mantine/core';
import type { Workspace } from '@terrarium/contract';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api } from '../api.ts';
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx';
import { count, formatBytes } from '../ui/formats.ts';
import type { Entry } from './entry.ts';
import { folderContentsQuery } from './queries.ts';

interface DeleteEntryDialogProps {
  workspace: Workspace;
  entry: Entry;
  onClose: () => void;
}

export function DeleteEntryDialog({ workspace, entry, onClose }: DeleteEntryDialogProps) {
  const queryClient = useQueryClient();
  const { namespace, name } = workspace;
  const remove = useMutation({
    mutationFn: () => api.deleteObject({ params: { namespace, name, key: entry.key } }),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['objects', namespace, name] });
      void queryClient.invalidateQueries({ queryKey: ['notebooks', namespace, name] });
      onClose();
    },
  });
  const noun = entry.kind === 'folder' ? 'folder' : 'file';
  return (
    <ConfirmDialog
      title={`Delete ${noun} "${entry.name}"?`}
      action={`Delete ${noun}`}
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <Text>
        {entry.kind === 'folder' ? (
          <FolderLoss workspace={workspace} folder={entry.key} />
        ) : (
          `Lost: the file (${formatBytes(entry.object.size)}), for everyone in the workspace.`
        )}{' '}
        Copies on persistent disks stay.
      </Text>
    </ConfirmDialog>
  );
}

function FolderLoss({ workspace, folder }: { workspace: Workspace; folder: string }) {
  const contents = useQuery(folderContentsQuery(workspace, folder));
  if (contents.data === undefined)
    return contents.error === null ? 'Counting what is in it…' : 'Lost: the folder and everything in it, for everyone.';
  const { objects, bytes, isComplete } = contents.data;
  if (objects === 0) return 'The folder is empty.';
  const size = `${isComplete ? '' : 'more than '}${count(objects, 'file')}, ${formatBytes(bytes)}`;
  return `Lost: the folder and all in it (${size}), for everyone in the workspace.`;
}
