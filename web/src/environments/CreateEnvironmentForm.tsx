import { Button, Checkbox, Fieldset, Skeleton, Stack, Text, Title } from '@mantine/core';
import { EnvironmentCreate, type Disk, type Image, type PriceTable, type Workspace } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { disksQuery } from '../disks/queries.ts';
import { Amount } from '../ui/Amount.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { fieldErrors, serverErrors, type FieldErrors } from '../ui/form.ts';
import { disabledBecause, Hint } from '../ui/Hint.tsx';
import { computeProblem } from '../workspaces/permissions.ts';
import { useCreateEnvironment } from './actions.ts';
import classes from './CreateEnvironmentForm.module.css';
import { DiskChoice } from './DiskChoice.tsx';
import { draftProblems, initialDraft, requestOf, type Draft } from './draft.ts';
import { ImageChoice } from './ImageChoice.tsx';
import { PriceStrip } from './PriceStrip.tsx';
import { imagesQuery, pricesQuery } from './queries.ts';
import { estimate } from './shape.ts';
import { VariablesInput } from './VariablesInput.tsx';

/** The form shown where there is no environment yet. It waits for what its first values depend on. */
export function CreateEnvironmentForm({ workspace }: { workspace: Workspace }) {
  const images = useQuery(imagesQuery);
  const disks = useQuery(disksQuery);
  const prices = useQuery(pricesQuery);
  const failed = [images, disks].find((query) => query.data === undefined && query.error !== null);
  if (failed !== undefined) return <ErrorNote error={failed.error} retry={() => void failed.refetch()} />;
  if (images.data === undefined || disks.data === undefined)
    return <Skeleton height={320} maw={760} aria-label="Loading" />;
  const detached = disks.data.filter(
    (disk) => disk.workspace.id === workspace.id && disk.attachedTo === null && disk.status === 'Ready',
  );
  return <Form workspace={workspace} images={images.data} detached={detached} prices={prices.data} />;
}

interface FormProps {
  workspace: Workspace;
  images: readonly Image[];
  detached: readonly Disk[];
  prices: PriceTable | undefined;
}

const shownFields = [
  'image',
  'cpus',
  'memoryGiB',
  'diskGiB',
  'diskName',
  'bootDiskGiB',
  'autopauseMinutes',
  'environmentVariables',
];

function Form({ workspace, images, detached, prices }: FormProps) {
  const [draft, setDraft] = useState<Draft>(() => initialDraft(images, detached));
  const [found, setFound] = useState<FieldErrors>({});
  const create = useCreateEnvironment(workspace);
  const refused = serverErrors(create.error, shownFields);
  const problems: FieldErrors = { ...refused.fields, ...found };
  const change = (part: Partial<Draft>): void => setDraft((previous) => ({ ...previous, ...part }));

  const reattached = detached.find((disk) => disk.name === draft.reattach);
  const shape = {
    cpus: draft.cpus ?? Number.NaN,
    memoryGiB: draft.memoryGiB ?? Number.NaN,
    bootDiskGiB: draft.bootDiskGiB ?? Number.NaN,
    diskGiB: reattached?.sizeGiB ?? draft.diskGiB ?? Number.NaN,
  };
  const isPriced = prices !== undefined && Object.values(shape).every(Number.isFinite);
  const problem = computeProblem(workspace);

  const form = useRef<HTMLFormElement>(null);
  // The form is longer than the screen: what is wrong, marked at the next painting, must not stay out of sight.
  function revealProblem(): void {
    requestAnimationFrame(() => {
      const wrong = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]');
      wrong?.focus({ preventScroll: true });
      wrong?.scrollIntoView({ block: 'center' });
    });
  }

  return (
    <form
      ref={form}
      noValidate
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        const request = requestOf(draft);
        const errors = { ...fieldErrors(EnvironmentCreate, request), ...draftProblems(draft, detached) };
        setFound(errors);
        if (Object.keys(errors).length > 0) revealProblem();
        else if (problem === undefined) create.mutate(request, { onError: revealProblem });
      }}
    >
      <Title order={2}>Create a Cloud Environment</Title>
      <Text c="dimmed">
        A machine of your own in this workspace: it runs the kernels of your notebooks. It pauses by itself when idle.
      </Text>
      <ImageChoice
        images={images}
        value={draft.image}
        error={problems['image']}
        onChange={(image) => change({ image })}
      />
      <Fieldset legend="Machine" variant="unstyled">
        <div className={classes.row}>
          <Amount
            label="CPUs"
            value={draft.cpus}
            min={0.25}
            step={1}
            error={problems['cpus']}
            onChange={(cpus) => change({ cpus })}
          />
          <Amount
            label="Memory"
            unit="GiB"
            value={draft.memoryGiB}
            min={0.25}
            step={1}
            error={problems['memoryGiB']}
            onChange={(memoryGiB) => change({ memoryGiB })}
          />
          <Amount
            label="Boot disk"
            unit="GiB"
            value={draft.bootDiskGiB}
            min={1}
            step={10}
            error={problems['bootDiskGiB']}
            onChange={(bootDiskGiB) => change({ bootDiskGiB })}
          />
        </div>
      </Fieldset>
      <DiskChoice draft={draft} detached={detached} problems={problems} onChange={change} />
      <Stack gap="xs">
        <Checkbox
          label="Pause by itself when idle"
          description="Idle: no kernel, terminal or process at work. An open tab does not keep it awake."
          checked={draft.isAutopaused}
          onChange={(event) => change({ isAutopaused: event.currentTarget.checked })}
        />
        {draft.isAutopaused && (
          <div className={classes.indented}>
            <Amount
              label="After"
              unit="minutes"
              value={draft.autopauseMinutes}
              min={1}
              step={5}
              error={problems['autopauseMinutes']}
              onChange={(autopauseMinutes) => change({ autopauseMinutes })}
            />
          </div>
        )}
      </Stack>
      <VariablesInput
        rows={draft.variables}
        error={problems['environmentVariables']}
        rowErrors={problems}
        onChange={(variables) => change({ variables })}
      />
      <div className={classes.footer}>
        <PriceStrip estimate={isPriced ? estimate(shape, prices) : undefined} />
        <ErrorNote error={refused.rest} />
        <div>
          <Hint reason={problem}>
            <Button
              type="submit"
              size="md"
              loading={create.isPending}
              {...(problem === undefined ? {} : disabledBecause(problem, () => undefined))}
            >
              Create and start
            </Button>
          </Hint>
        </div>
      </div>
    </form>
  );
}
