import { Fieldset, Radio, Stack, Text, TextInput } from '@mantine/core';
import type { ComputeOffer, Disk, Environment } from '@terrarium/contract';
import { Amount } from '../ui/Amount.tsx';
import { formatBytes } from '../ui/formats.ts';
import type { FieldErrors } from '../ui/form.ts';
import type { Draft } from './draft.ts';
import classes from './EnvironmentForm.module.css';

const newDisk = 'new:';

interface DiskChoiceProps {
  draft: Draft;
  offer: ComputeOffer;
  detached: readonly Disk[];
  /** The disk that the environment has, while it is changed; undefined for one that is to be created. */
  own: Environment['disk'] | undefined;
  problems: FieldErrors;
  onChange: (part: Partial<Draft>) => void;
}

/** The persistent disk: the environment's own, a detached one of this workspace, or a new one. */
export function DiskChoice({ draft, offer, detached, own, problems, onChange }: DiskChoiceProps) {
  const isNew = draft.existingDisk === null;
  const isOwn = own !== undefined && own !== null && draft.existingDisk === own.name;
  const choices = [
    ...(own == null ? [] : [{ value: own.name, label: `Keep "${own.name}" (${String(own.sizeGiB)} GiB)` }]),
    ...detached.map((disk) => ({
      value: disk.name,
      label:
        own === undefined
          ? `Reattach "${disk.name}" (${String(disk.sizeGiB)} GiB)`
          : `Take "${disk.name}" instead (${String(disk.sizeGiB)} GiB)`,
      description: disk.usedBytes === null ? 'With its files' : `With its files, ${formatBytes(disk.usedBytes)}`,
    })),
    // An environment is not given a new disk later: that would be another environment.
    ...(own === undefined ? [{ value: newDisk, label: 'Create a new disk' }] : []),
  ];
  return (
    <Fieldset legend="Persistent disk" variant="unstyled">
      <Stack gap="sm">
        {choices.length > 1 && (
          <Radio.Group
            aria-label="Persistent disk"
            value={draft.existingDisk ?? newDisk}
            onChange={(value) => onChange({ existingDisk: value === newDisk ? null : value })}
          >
            <Stack gap="xs">
              {choices.map((choice) => (
                <Radio key={choice.value} {...choice} />
              ))}
            </Stack>
          </Radio.Group>
        )}
        {own !== undefined && own !== null && !isOwn && (
          <Text c="dimmed" fz="sm">
            Disk "{own.name}" is detached with everything on it, and stays among your disks.
          </Text>
        )}
        {(isNew || isOwn) && own !== null && (
          <div className={choices.length > 1 ? `${classes.row} ${classes.indented}` : classes.row}>
            <Amount
              label="Size"
              unit="GiB"
              value={draft.diskGiB}
              min={isOwn ? own.sizeGiB : 1}
              step={10}
              hint={isOwn ? `of ${own.name}; it only grows` : `up to ${String(offer.maxDiskGiB)} GiB`}
              error={problems['diskGiB']}
              onChange={(diskGiB) => onChange({ diskGiB })}
            />
            {isNew && detached.length > 0 && (
              <TextInput
                label="Name of the new disk"
                value={draft.diskName}
                error={problems['diskName']}
                onChange={(event) => onChange({ diskName: event.currentTarget.value })}
              />
            )}
          </div>
        )}
        {own === null && detached.length === 0 && <Text c="dimmed">None, and no detached disk is here to attach.</Text>}
      </Stack>
    </Fieldset>
  );
}
