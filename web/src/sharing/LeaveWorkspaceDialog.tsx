import { Stack, Text } from '@mantine/core';
import type { Workspace } from '@terrarium/contract';
import { api } from '../api.ts';
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx';
import { useFarewell } from '../workspaces/use-farewell.ts';

export function LeaveWorkspaceDialog({ workspace, onClose }: { workspace: Workspace; onClose: () => void }) {
  const { namespace, name } = workspace;
  const leave = useFarewell(workspace, () => api.leaveWorkspace({ params: { namespace, name } }));
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
