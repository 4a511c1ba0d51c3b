import { Stack, Text } from '@mantine/core';
import type { Workspace } from '@terrarium/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { api } from '../api.ts';
import { links } from '../links.ts';
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx';
import { workspaceQuery } from './queries.ts';

export function DeleteWorkspaceDialog({ workspace, onClose }: { workspace: Workspace; onClose: () => void }) {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const { namespace, name } = workspace;
  const remove = useMutation({
    mutationFn: () => api.deleteWorkspace({ params: { namespace, name } }),
    onSuccess: async () => {
      await navigate(links.workspaces());
      queryClient.removeQueries({ queryKey: workspaceQuery(workspace).queryKey });
      await queryClient.invalidateQueries({ queryKey: ['workspaces'], exact: true });
    },
  });
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
