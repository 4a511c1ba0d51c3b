import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { DiskCopy, diskPricePerMonth, type Disk } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { pricesQuery } from '../environments/queries.ts';
import { Amount } from '../ui/Amount.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { fieldErrors, serverErrors, type FieldErrors } from '../ui/form.ts';
import { formatPrice } from '../ui/formats.ts';
import { useReturnFocus } from '../ui/return-focus.ts';
import { useCloneDisk, useSnapshotDisk } from './actions.ts';

const words = {
  snapshot: {
    title: (name: string) => `Take a snapshot of "${name}"`,
    action: 'Take snapshot',
    text: 'Keeps what the disk holds at this moment, also while its environment runs. A snapshot is never attached; copy it to a disk to use it.',
  },
  clone: {
    title: (name: string) => `Copy "${name}" to a new disk`,
    action: 'Copy',
    text: 'Makes a disk of its own with the same files. It is detached: create an environment with it, or move it to one.',
  },
};

interface CopyDiskDialogProps {
  disk: Disk;
  /** A snapshot of it, or a disk with what it holds. */
  kind: 'snapshot' | 'clone';
  onClose: () => void;
}

export function CopyDiskDialog({ disk, kind, onClose }: CopyDiskDialogProps) {
  const [name, setName] = useState('');
  const [sizeGiB, setSizeGiB] = useState<number | undefined>(disk.sizeGiB);
  const prices = useQuery(pricesQuery);
  const snapshot = useSnapshotDisk();
  const clone = useCloneDisk();
  const making = kind === 'snapshot' ? snapshot : clone;
  useReturnFocus();
  const { title, action, text } = words[kind];
  const size = kind === 'clone' ? { sizeGiB: sizeGiB ?? Number.NaN } : {};
  const named = name === '' ? {} : { name };
  const found: FieldErrors = {
    ...fieldErrors(DiskCopy, { ...named, ...size }),
    ...(kind === 'clone' && (sizeGiB ?? disk.sizeGiB) < disk.sizeGiB
      ? { sizeGiB: `A copy has at least the ${String(disk.sizeGiB)} GiB of what it is made of.` }
      : {}),
  };
  const refused = serverErrors(making.error, ['name', 'sizeGiB']);
  function submit(): void {
    if (Object.keys(found).length > 0) return;
    if (kind === 'snapshot') snapshot.mutate({ disk, body: named }, { onSuccess: onClose });
    else clone.mutate({ disk, body: { ...named, ...size } }, { onSuccess: onClose });
  }
  return (
    <Modal opened onClose={onClose} title={title(disk.name)}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Stack gap="sm">
          <Text>{text}</Text>
          <TextInput
            label="Name"
            description="Empty: one is made up."
            data-autofocus
            autoComplete="off"
            value={name}
            error={refused.fields['name'] ?? found['name']}
            onChange={(event) => {
              making.reset();
              setName(event.currentTarget.value);
            }}
          />
          {kind === 'clone' && (
            <Amount
              label="Size"
              unit="GiB"
              value={sizeGiB}
              min={disk.sizeGiB}
              step={10}
              error={refused.fields['sizeGiB'] ?? found['sizeGiB']}
              onChange={setSizeGiB}
            />
          )}
          {prices.data !== undefined && (
            <Text c="dimmed" fz="sm">
              {formatPrice(
                diskPricePerMonth(kind === 'clone' ? (sizeGiB ?? disk.sizeGiB) : disk.sizeGiB, prices.data),
                prices.data.currency,
              )}{' '}
              per month, as long as it is kept.
            </Text>
          )}
          <ErrorNote error={refused.rest} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={making.isPending}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
