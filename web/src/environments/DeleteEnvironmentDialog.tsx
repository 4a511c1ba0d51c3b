import { Button, Group, Modal, Radio, Stack, Text, TextInput } from '@mantine/core';
import type { Environment } from '@terrarium/contract';
import { useState } from 'react';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { useReturnFocus } from '../ui/return-focus.ts';
import { useDeleteEnvironment } from './actions.ts';

interface DeleteEnvironmentDialogProps {
  environment: Environment;
  /** Whether it is somebody else's, whose disk stays theirs. */
  isOfSomebodyElse?: boolean;
  onClose: () => void;
}

/** Deletes an environment: with its disk kept, which is the default, or with the disk too, whose name must be typed. */
export function DeleteEnvironmentDialog({
  environment,
  isOfSomebodyElse = false,
  onClose,
}: DeleteEnvironmentDialogProps) {
  const [choice, setChoice] = useState<'keep' | 'all'>('keep');
  const [typed, setTyped] = useState('');
  const remove = useDeleteEnvironment();
  const { disk } = environment;
  useReturnFocus();
  const deleteDisk = disk !== null && choice === 'all';
  const isReady = !deleteDisk || typed === disk.name;
  return (
    <Modal opened onClose={onClose} title={`Delete environment "${environment.name}"?`} size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady) remove.mutate({ environment, deleteDisk }, { onSuccess: onClose });
        }}
      >
        <Stack gap="md">
          {isOfSomebodyElse ? (
            <Text>
              Lost: the boot disk of {environment.owner}’s environment (everything outside /home/jupyter) and what runs
              now. {disk !== null && `Kept: disk "${disk.name}", which goes on costing its price per month.`} This
              cannot be undone.
            </Text>
          ) : disk === null ? (
            <Text>
              Lost: the boot disk (everything outside /home/jupyter) and what runs now. This cannot be undone.
            </Text>
          ) : (
            <Radio.Group
              label="What happens to the persistent disk"
              value={choice}
              onChange={(value) => setChoice(value === 'all' ? 'all' : 'keep')}
            >
              <Stack gap="sm" mt="xs">
                <Radio
                  value="keep"
                  label="Keep the persistent disk"
                  description={`Lost: the boot disk (everything outside /home/jupyter) and running kernels. Kept: disk "${disk.name}" with everything in /home/jupyter. The next environment you create here gets it back; until then it goes on costing its price per month.`}
                />
                <Radio
                  value="all"
                  label="Delete everything, including the persistent disk"
                  description={`Lost: the boot disk, running kernels and disk "${disk.name}" with everything in /home/jupyter: files, installed packages, outputs. Kept: the notebooks and files in the workspace bucket. This cannot be undone.`}
                />
              </Stack>
            </Radio.Group>
          )}
          {deleteDisk && (
            <TextInput
              label={
                <>
                  Type the disk’s name,{' '}
                  <Text span ff="monospace" fz="inherit">
                    {disk.name}
                  </Text>
                  , to confirm
                </>
              }
              autoComplete="off"
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
            />
          )}
          <ErrorNote error={remove.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" color="red" loading={remove.isPending} disabled={!isReady}>
              {deleteDisk ? 'Delete environment and disk' : 'Delete environment'}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
