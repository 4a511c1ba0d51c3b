import { Stack, Text } from '@mantine/core';
import type { ChangeEffect, Environment, UpdatedEnvironment } from '@terrarium/contract';
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx';
import { ChangeList } from './ChangesPreview.tsx';

interface ConfirmChangeDialogProps {
  environment: Environment;
  effect: Exclude<ChangeEffect, 'nothing'>;
  changes: UpdatedEnvironment['changes'];
  action: string;
  isPending: boolean;
  error: unknown;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before a change ends kernels or takes the boot disk with it. */
export function ConfirmChangeDialog({ environment, effect, changes, ...dialog }: ConfirmChangeDialogProps) {
  const { name, disk } = environment;
  const kept = disk === null ? 'the bucket' : `disk "${disk.name}" with everything in /home/jupyter, and the bucket`;
  return (
    <ConfirmDialog title={effect === 'rebuild' ? `Rebuild "${name}"?` : `Restart "${name}"?`} {...dialog}>
      <Stack gap="xs">
        <ChangeList changes={changes} />
        {effect === 'rebuild' ? (
          <>
            <Text>
              <b>Lost:</b> the boot disk with everything outside /home/jupyter, and what runs now: kernels with their
              variables, terminals, processes.
            </Text>
            <Text>
              <b>Kept:</b> {kept}.
            </Text>
          </>
        ) : (
          <>
            <Text>
              <b>Lost:</b> what runs now: kernels with their variables, terminals, processes.
            </Text>
            <Text>
              <b>Kept:</b> the boot disk, {kept}.
            </Text>
          </>
        )}
      </Stack>
    </ConfirmDialog>
  );
}
