import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { diskPricePerMonth, DiskUpdate } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { computeOfferQuery, pricesQuery } from '../environments/queries.ts';
import { Amount } from '../ui/Amount.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { fieldErrors, serverErrors } from '../ui/form.ts';
import { formatPrice } from '../ui/formats.ts';
import { useReturnFocus } from '../ui/return-focus.ts';
import { useUpdateDisk } from './actions.ts';

interface GrowDiskDialogProps {
  disk: { readonly id: string; readonly name: string; readonly sizeGiB: number; readonly growsToGiB: number | null };
  onClose: () => void;
}

/** Gives a disk more room. Smaller it never becomes; the dialog says how one gets a smaller one. */
export function GrowDiskDialog({ disk, onClose }: GrowDiskDialogProps) {
  const least = disk.growsToGiB ?? disk.sizeGiB;
  const [sizeGiB, setSizeGiB] = useState<number | undefined>(least + 10);
  const [isTried, setIsTried] = useState(false);
  const offer = useQuery(computeOfferQuery);
  const prices = useQuery(pricesQuery);
  const grow = useUpdateDisk();
  useReturnFocus();
  const refused = serverErrors(grow.error, ['sizeGiB']);
  const found = problemOf(sizeGiB, least, offer.data?.maxDiskGiB);
  const isSmaller = sizeGiB !== undefined && sizeGiB < least;
  return (
    <Modal opened onClose={onClose} title={`Grow disk "${disk.name}"`}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          setIsTried(true);
          if (found === undefined) grow.mutate({ disk, body: { sizeGiB: sizeGiB ?? 0 } }, { onSuccess: onClose });
        }}
      >
        <Stack gap="sm">
          <Text>
            It has {disk.sizeGiB} GiB{disk.growsToGiB !== null && `, growing to ${String(disk.growsToGiB)} GiB`}. What
            is on it stays.{' '}
            {offer.data?.growsOnline === false
              ? 'On this machine it grows when its environment is paused; until then it waits.'
              : 'What runs goes on.'}
          </Text>
          <Amount
            label="New size"
            unit="GiB"
            value={sizeGiB}
            min={least}
            step={10}
            {...(offer.data === undefined ? {} : { hint: `up to ${String(offer.data.maxDiskGiB)} GiB` })}
            error={refused.fields['sizeGiB'] ?? (isTried || isSmaller ? found : undefined)}
            onChange={setSizeGiB}
          />
          {isSmaller && (
            <Text fz="sm">
              For a smaller disk, create one of the size you want with a new environment, copy what you need to it, and
              delete this one.
            </Text>
          )}
          {prices.data !== undefined && sizeGiB !== undefined && (
            <Text c="dimmed" fz="sm">
              {formatPrice(diskPricePerMonth(sizeGiB, prices.data), prices.data.currency)} per month, now{' '}
              {formatPrice(diskPricePerMonth(disk.sizeGiB, prices.data), prices.data.currency)}.
            </Text>
          )}
          <ErrorNote error={refused.rest} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={grow.isPending}>
              Grow disk
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function problemOf(sizeGiB: number | undefined, least: number, most: number | undefined): string | undefined {
  const wrong = fieldErrors(DiskUpdate, { sizeGiB: sizeGiB ?? Number.NaN })['sizeGiB'];
  if (wrong !== undefined || sizeGiB === undefined) return wrong;
  if (sizeGiB < least) return `A disk only grows: this one has ${String(least)} GiB.`;
  if (sizeGiB === least) return `It has ${String(least)} GiB already.`;
  if (most !== undefined && sizeGiB > most) return `A disk has at most ${String(most)} GiB on this installation.`;
  return undefined;
}
