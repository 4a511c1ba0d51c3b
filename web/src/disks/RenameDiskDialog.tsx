import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { DiskUpdate, type Disk } from '@terrarium/contract';
import { useState } from 'react';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { fieldErrors, serverErrors } from '../ui/form.ts';
import { useReturnFocus } from '../ui/return-focus.ts';
import { useUpdateDisk } from './actions.ts';

export function RenameDiskDialog({ disk, onClose }: { disk: Disk; onClose: () => void }) {
  const [name, setName] = useState(disk.name);
  const rename = useUpdateDisk();
  useReturnFocus();
  const refused = serverErrors(rename.error, ['name']);
  const found = fieldErrors(DiskUpdate, { name })['name'];
  const isSame = name === disk.name;
  return (
    <Modal opened onClose={onClose} title={`Rename "${disk.name}"`}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (found === undefined && !isSame) rename.mutate({ disk, body: { name } }, { onSuccess: onClose });
        }}
      >
        <Stack gap="sm">
          <TextInput
            label="Name"
            data-autofocus
            autoComplete="off"
            value={name}
            error={refused.fields['name'] ?? found}
            onChange={(event) => {
              rename.reset();
              setName(event.currentTarget.value);
            }}
          />
          <ErrorNote error={refused.rest} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={rename.isPending} disabled={isSame}>
              Rename
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
