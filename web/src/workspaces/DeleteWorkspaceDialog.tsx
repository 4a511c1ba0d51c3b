import { Stack, Text } from '@mantine/core';
import type { Workspace } from '@terrarium/contract';
import { api } from '../api.ts';
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx';
import { useFarewell } from './use-farewell.ts';

export function DeleteWorkspaceDialog({ workspace, onClose }: { workspace: Workspace; onClose: () => void }) {
  const { namespace, name } = workspace;
  const remove = useFarewell(workspace, () => api.deleteWorkspace({ params: { namespace, name } }));
  return (
    <ConfirmDialog
      title={`Delete workspace "${name}"?`}
      action="Delete workspace"
      typed={name}
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <Stack gap="xs">
        <Text>
          <b>Lost:</b> the bucket with all its notebooks and files, for everyone in the workspace. This cannot be
          undone.
        </Text>
        <Text>
          <b>Kept:</b> the billing project and its record of spend. Environments and disks must be deleted first.
        </Text>
      </Stack>
    </ConfirmDialog>
  );
}
