import { Button, Skeleton, Text, Title } from '@mantine/core';
import { EnvironmentCreate, type Workspace } from '@terrarium/contract';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { links } from '../links.ts';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { fieldErrors, serverErrors, type FieldErrors } from '../ui/form.ts';
import { disabledBecause, Hint } from '../ui/Hint.tsx';
import { ButtonLink } from '../ui/links.tsx';
import { useRevealProblem } from '../ui/reveal.ts';
import { computeProblem } from '../workspaces/permissions.ts';
import { useCreateEnvironment } from './actions.ts';
import { ConfigurationFields, configurationFields } from './ConfigurationFields.tsx';
import { draftProblems } from './draft-problems.ts';
import { initialDraft, requestOf, type Draft } from './draft.ts';
import classes from './EnvironmentForm.module.css';
import { estimateOf, useFormFacts, type FormFacts } from './form-facts.ts';
import { PriceStrip } from './PriceStrip.tsx';

interface CreateEnvironmentFormProps {
  workspace: Workspace;
  /** Name of a detached disk to begin with. */
  wantedDisk: string | undefined;
}

/** Creates an environment. It waits for what its first values depend on. */
export function CreateEnvironmentForm({ workspace, wantedDisk }: CreateEnvironmentFormProps) {
  const { facts, error, retry } = useFormFacts(workspace);
  if (error !== undefined) return <ErrorNote error={error} retry={retry} />;
  if (facts === undefined) return <Skeleton height={320} maw={760} aria-label="Loading" />;
  return <Form workspace={workspace} facts={facts} wantedDisk={wantedDisk} />;
}

function Form({ workspace, facts, wantedDisk }: CreateEnvironmentFormProps & { facts: FormFacts }) {
  const { images, offer, detached, takenNames } = facts;
  const [draft, setDraft] = useState<Draft>(() => initialDraft({ images, offer, detached, takenNames, wantedDisk }));
  const [found, setFound] = useState<FieldErrors>({});
  const create = useCreateEnvironment(workspace);
  const navigate = useNavigate();
  const refused = serverErrors(create.error, configurationFields);
  const problem = computeProblem(workspace);
  const { form, revealProblem } = useRevealProblem();
  const isAnother = takenNames.length > 0;

  function submit(): void {
    const request = requestOf(draft);
    const errors = {
      ...fieldErrors(EnvironmentCreate, request),
      ...draftProblems(draft, { offer, detached, takenNames }),
    };
    setFound(errors);
    if (Object.keys(errors).length > 0) revealProblem();
    else if (problem === undefined)
      create.mutate(request, {
        onSuccess: ({ name }) =>
          void navigate({ ...links.environment(workspace, isAnother ? { environment: name } : {}), replace: true }),
        onError: revealProblem,
      });
  }

  return (
    <form
      ref={form}
      noValidate
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Title order={2}>{isAnother ? 'Create another Cloud Environment' : 'Create a Cloud Environment'}</Title>
      <Text c="dimmed">
        A machine of your own in this workspace: it runs the kernels of your notebooks.
        {isAnother
          ? ' Notebooks run in the newest one; choose another for them at any time.'
          : ' It pauses by itself when idle.'}
      </Text>
      <ConfigurationFields
        draft={draft}
        images={images}
        offer={offer}
        detached={detached}
        ownDisk={undefined}
        problems={{ ...refused.fields, ...found }}
        onChange={(part) => setDraft((previous) => ({ ...previous, ...part }))}
      />
      <div className={classes.footer}>
        <PriceStrip estimate={estimateOf(draft, facts)} />
        <ErrorNote error={refused.rest} />
        <div className={classes.buttons}>
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
          {isAnother && (
            <ButtonLink {...links.environment(workspace)} variant="default" size="md">
              Cancel
            </ButtonLink>
          )}
        </div>
      </div>
    </form>
  );
}
