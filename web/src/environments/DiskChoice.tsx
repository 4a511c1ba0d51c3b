import { Fieldset, Radio, Stack, TextInput } from '@mantine/core';
import type { Disk } from '@terrarium/contract';
import { Amount } from '../ui/Amount.tsx';
import { formatBytes } from '../ui/formats.ts';
import type { FieldErrors } from '../ui/form.ts';
import classes from './CreateEnvironmentForm.module.css';
import type { Draft } from './draft.ts';

const newDisk = 'new:';

interface DiskChoiceProps {
  draft: Draft;
  detached: readonly Disk[];
  problems: FieldErrors;
  onChange: (part: Partial<Draft>) => void;
}

/** The persistent disk: a detached one of this workspace again, or a new one. */
export function DiskChoice({ draft, detached, problems, onChange }: DiskChoiceProps) {
  const isNew = draft.reattach === null;
  return (
    <Fieldset legend="Persistent disk" variant="unstyled">
      <Stack gap="sm">
        {detached.length > 0 && (
          <Radio.Group
            aria-label="Persistent disk"
            value={draft.reattach ?? newDisk}
            onChange={(value) => onChange({ reattach: value === newDisk ? null : value })}
          >
            <Stack gap="xs">
              {detached.map((disk) => (
                <Radio
                  key={disk.id}
                  value={disk.name}
                  label={`Reattach "${disk.name}" (${String(disk.sizeGiB)} GiB)`}
                  description={
                    disk.usedBytes === null ? 'With its files' : `With its files, ${formatBytes(disk.usedBytes)}`
                  }
                />
              ))}
              <Radio value={newDisk} label="Create a new disk" />
            </Stack>
          </Radio.Group>
        )}
        {isNew && (
          <div className={detached.length > 0 ? `${classes.row} ${classes.indented}` : classes.row}>
            <Amount
              label="Size"
              unit="GiB"
              value={draft.diskGiB}
              min={1}
              step={10}
              error={problems['diskGiB']}
              onChange={(diskGiB) => onChange({ diskGiB })}
            />
            {detached.length > 0 && (
              <TextInput
                label="Name of the new disk"
                value={draft.diskName}
                error={problems['diskName']}
                onChange={(event) => onChange({ diskName: event.currentTarget.value })}
              />
            )}
          </div>
        )}
      </Stack>
    </Fieldset>
  );
}
