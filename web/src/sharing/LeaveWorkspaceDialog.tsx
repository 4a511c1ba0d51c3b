import { Stack, Text } from '@mantine/core';
import type { Workspace } from '@terrarium/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { api } from '../api.ts';
import { links } from '../links.ts';
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx';
import { workspaceQuery } from '../workspaces/queries.ts';

export function LeaveWorkspaceDialog({ workspace, onClose }: { workspace: Workspace; onClose: () => void }) {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const { namespace, name } = workspace;
  const leave = useMutation({
    mutationFn: () => api.leaveWorkspace({ params: { namespace, name } }),
    onSuccess: async () => {
      await navigate(links.workspaces());
      queryClient.removeQueries({ queryKey: workspaceQuery(workspace).queryKey });
      await queryClient.invalidateQueries({ queryKey: ['workspaces'], exact: true });
    },
  });
  return (
    <ConfirmDialog
      title={`Leave workspace "${name}"?`}
      action="Leave workspace"
      isPending={leave.isPending}
      error={leave.error}
      onConfirm={() => leave.mutate()}
      onClose={onClose}
    >
      <Stack gap="xs">
        <Text>
          <b>Lost:</b> your access to its notebooks and files, until somebody shares it with you again. Your environment
          here is paused.
        </Text>
        <Text>
          <b>Kept:</b> all that you made in the workspace, for the others, and your disk, for you.
        </Text>
      </Stack>
    </ConfirmDialog>
  );
}
