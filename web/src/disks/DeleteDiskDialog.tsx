import { Stack, Text } from '@mantine/core';
import type { Disk } from '@terrarium/contract';
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx';
import { formatBytes } from '../ui/formats.ts';
import { useDeleteDisk } from './actions.ts';

export function DeleteDiskDialog({ disk, onClose }: { disk: Disk; onClose: () => void }) {
  const remove = useDeleteDisk();
  const what = disk.kind === 'snapshot' ? 'snapshot' : 'disk';
  return (
    <ConfirmDialog
      title={`Delete ${what} "${disk.name}"?`}
      action={`Delete ${what}`}
      typed={disk.name}
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate(disk, { onSuccess: onClose })}
      onClose={onClose}
    >
      <Stack gap="xs">
        <Text>
          <b>Lost:</b> everything on it{disk.usedBytes === null ? '' : ` (${formatBytes(disk.usedBytes)})`}: files,
          installed packages, outputs. This cannot be undone.
        </Text>
        <Text>
          <b>Kept:</b> the notebooks and files in the bucket of {disk.workspace.namespace}/{disk.workspace.name}
          {disk.kind === 'snapshot'
            ? ', and the disk that it was taken of.'
            : ', and snapshots and copies of this disk.'}
        </Text>
      </Stack>
    </ConfirmDialog>
  );
}
