import { TextInput } from '@mantine/core';
import type { ComputeOffer, Disk, Environment, Image } from '@terrarium/contract';
import type { FieldErrors } from '../ui/form.ts';
import { DiskChoice } from './DiskChoice.tsx';
import type { Draft } from './draft.ts';
import { IdleFields } from './IdleFields.tsx';
import { ImageChoice } from './ImageChoice.tsx';
import { MachineFields } from './MachineFields.tsx';
import { StartupScriptFields } from './StartupScriptFields.tsx';
import { VariablesInput } from './VariablesInput.tsx';

/** Where the server's complaints about a configuration can be shown. */
export const configurationFields = [
  'name',
  'image',
  'cpus',
  'memoryGiB',
  'gpus',
  'diskGiB',
  'diskName',
  'bootDiskGiB',
  'startupScript',
  'autopauseMinutes',
  'sleepMinutes',
  'environmentVariables',
];

interface ConfigurationFieldsProps {
  draft: Draft;
  images: readonly Image[];
  offer: ComputeOffer;
  detached: readonly Disk[];
  /** The disk of the environment that is changed; undefined for one that is to be created. */
  ownDisk: Environment['disk'] | undefined;
  problems: FieldErrors;
  onChange: (part: Partial<Draft>) => void;
}

/** Everything about an environment that a person chooses: the same when it is created and when it is changed. */
export function ConfigurationFields(props: ConfigurationFieldsProps) {
  const { draft, images, offer, detached, ownDisk, problems, onChange } = props;
  return (
    <>
      <TextInput
        label="Name"
        description="Tells your environments in this workspace apart"
        maw={320}
        autoComplete="off"
        value={draft.name}
        error={problems['name']}
        onChange={(event) => onChange({ name: event.currentTarget.value })}
      />
      <ImageChoice
        images={images}
        value={draft.image}
        error={problems['image']}
        onChange={(image) => onChange({ image })}
      />
      <MachineFields draft={draft} offer={offer} problems={problems} onChange={onChange} />
      <DiskChoice
        draft={draft}
        offer={offer}
        detached={detached}
        own={ownDisk}
        problems={problems}
        onChange={onChange}
      />
      <StartupScriptFields draft={draft} problems={problems} onChange={onChange} />
      <VariablesInput
        rows={draft.variables}
        error={problems['environmentVariables']}
        rowErrors={problems}
        onChange={(variables) => onChange({ variables })}
      />
      <IdleFields draft={draft} offer={offer} problems={problems} onChange={onChange} />
    </>
  );
}
