import { Fieldset, SegmentedControl, Stack } from '@mantine/core';
import type { ComputeOffer } from '@terrarium/contract';
import { useState } from 'react';
import { Amount } from '../ui/Amount.tsx';
import type { FieldErrors } from '../ui/form.ts';
import type { Draft } from './draft.ts';
import classes from './EnvironmentForm.module.css';
import { presetsFor } from './presets.ts';
import { shapeText } from './shape.ts';

const custom = 'Custom';

interface MachineFieldsProps {
  draft: Draft;
  offer: ComputeOffer;
  problems: FieldErrors;
  onChange: (part: Partial<Draft>) => void;
}

/** CPUs, memory, GPUs and boot disk, with a few shapes to choose at once. */
export function MachineFields({ draft, offer, problems, onChange }: MachineFieldsProps) {
  const [isCustom, setIsCustom] = useState(false);
  const presets = presetsFor(offer);
  const chosen = presets.find(({ cpus, memoryGiB }) => cpus === draft.cpus && memoryGiB === draft.memoryGiB);
  return (
    <Fieldset legend="Machine" variant="unstyled">
      <Stack gap="sm">
        <SegmentedControl
          aria-label="Shape"
          size="sm"
          classNames={{ root: classes.presets ?? '', label: classes.presetLabel ?? '' }}
          value={isCustom ? custom : (chosen?.name ?? custom)}
          data={[
            ...presets.map((preset) => ({
              value: preset.name,
              label: (
                <span className={classes.preset}>
                  {preset.name}
                  <span>{shapeText({ ...preset, gpus: 0 }).replace(' memory', '')}</span>
                </span>
              ),
            })),
            {
              value: custom,
              label: (
                <span className={classes.preset}>
                  {custom}
                  <span>your own figures</span>
                </span>
              ),
            },
          ]}
          onChange={(value) => {
            const preset = presets.find(({ name }) => name === value);
            setIsCustom(preset === undefined);
            if (preset !== undefined) onChange({ cpus: preset.cpus, memoryGiB: preset.memoryGiB });
          }}
        />
        <div className={classes.row}>
          <Amount
            label="CPUs"
            value={draft.cpus}
            min={0.25}
            step={1}
            hint={`up to ${figure(offer.maxCpus)}`}
            error={problems['cpus']}
            onChange={(cpus) => onChange({ cpus })}
          />
          <Amount
            label="Memory"
            unit="GiB"
            value={draft.memoryGiB}
            min={0.25}
            step={1}
            hint={`up to ${figure(offer.maxMemoryGiB)} GiB`}
            error={problems['memoryGiB']}
            onChange={(memoryGiB) => onChange({ memoryGiB })}
          />
          {(offer.maxGpus > 0 || (draft.gpus ?? 0) > 0) && (
            <Amount
              label="GPUs"
              value={draft.gpus}
              min={0}
              step={1}
              hint={`up to ${figure(offer.maxGpus)}`}
              error={problems['gpus']}
              onChange={(gpus) => onChange({ gpus })}
            />
          )}
          <Amount
            label="Boot disk"
            unit="GiB"
            value={draft.bootDiskGiB}
            min={1}
            step={10}
            hint="outside /home/jupyter"
            error={problems['bootDiskGiB']}
            onChange={(bootDiskGiB) => onChange({ bootDiskGiB })}
          />
        </div>
      </Stack>
    </Fieldset>
  );
}

function figure(number: number): string {
  return String(Math.floor(number * 10) / 10);
}
