import { Button, Skeleton, Text, Title } from '@mantine/core';
import {
  EnvironmentUpdate,
  environmentActionProblem,
  type ChangeEffect,
  type Environment,
  type Workspace,
} from '@terrarium/contract';
import { useLocation, useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { links } from '../links.ts';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { fieldErrors, serverErrors } from '../ui/form.ts';
import { disabledBecause, Hint } from '../ui/Hint.tsx';
import { ButtonLink } from '../ui/links.tsx';
import { useRevealProblem } from '../ui/reveal.ts';
import { computeProblem } from '../workspaces/permissions.ts';
import { useUpdateEnvironment } from './actions.ts';
import { ChangesPreview } from './ChangesPreview.tsx';
import { ConfigurationFields, configurationFields } from './ConfigurationFields.tsx';
import { ConfirmChangeDialog } from './ConfirmChangeDialog.tsx';
import { draftProblems } from './draft-problems.ts';
import { changesOf, draftOf, type Draft } from './draft.ts';
import { useDryRun } from './dry-run.ts';
import classes from './EnvironmentForm.module.css';
import { estimateOf, useFormFacts, type FormFacts } from './form-facts.ts';
import { PriceStrip } from './PriceStrip.tsx';
import { startupScriptId } from './StartupScriptFields.tsx';

const submitWord: Record<ChangeEffect, string> = {
  nothing: 'Save',
  restart: 'Save and restart',
  rebuild: 'Save and rebuild',
};

interface EditEnvironmentFormProps {
  environment: Environment;
  workspace: Workspace;
  /** Memory to begin with in place of what it has. */
  wantedMemoryGiB: number | undefined;
}

/** Changes an environment, and says beforehand what each change does to what runs. */
export function EditEnvironmentForm(props: EditEnvironmentFormProps) {
  const { facts, error, retry } = useFormFacts(props.workspace);
  if (error !== undefined) return <ErrorNote error={error} retry={retry} />;
  if (facts === undefined) return <Skeleton height={320} maw={760} aria-label="Loading" />;
  return <Form {...props} facts={facts} />;
}

function Form({ environment, workspace, wantedMemoryGiB, facts }: EditEnvironmentFormProps & { facts: FormFacts }) {
  const { images, offer, detached } = facts;
  const [draft, setDraft] = useState<Draft>(() => ({
    ...draftOf(environment, offer),
    ...(wantedMemoryGiB === undefined ? {} : { memoryGiB: wantedMemoryGiB }),
  }));
  const [isConfirming, setIsConfirming] = useState(false);
  const update = useUpdateEnvironment();
  const navigate = useNavigate();
  const { form, revealProblem } = useRevealProblem();
  useFocusOfLink();

  const changes = changesOf(draft, environment, offer);
  const isChanged = Object.keys(changes).length > 0;
  const takenNames = facts.takenNames.filter((name) => name !== environment.name);
  const found = {
    ...fieldErrors(EnvironmentUpdate, changes),
    ...draftProblems(draft, { offer, detached, takenNames, ownDisk: environment.disk ?? undefined }),
  };
  const isWrong = Object.keys(found).length > 0;
  const dryRun = useDryRun(environment, isWrong ? {} : changes);
  const refused = serverErrors(update.error ?? dryRun.error, configurationFields);
  const effect = isChanged ? (dryRun.preview?.effect ?? 'nothing') : 'nothing';
  const problem =
    computeProblem(workspace) ??
    environmentActionProblem(environment.status, 'update') ??
    (isChanged ? undefined : 'Nothing is changed yet.');

  const back = links.environment(workspace, { environment: environment.name });
  function save(): void {
    update.mutate(
      { environment, body: changes },
      {
        onSuccess: ({ name }) => void navigate(links.environment(workspace, { environment: name })),
        onError: () => {
          setIsConfirming(false);
          revealProblem();
        },
      },
    );
  }
  function submit(): void {
    if (isWrong || Object.keys(refused.fields).length > 0) revealProblem();
    else if (problem === undefined && dryRun.preview !== undefined) {
      if (effect === 'nothing') save();
      else setIsConfirming(true);
    }
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
      <Title order={2}>Edit {environment.name}</Title>
      <Text c="dimmed">What each change does is said below before it is done.</Text>
      <ConfigurationFields
        draft={draft}
        images={images}
        offer={offer}
        detached={detached}
        ownDisk={environment.disk}
        problems={{ ...refused.fields, ...found }}
        onChange={(part) => {
          update.reset();
          setDraft((previous) => ({ ...previous, ...part }));
        }}
      />
      <div className={classes.footer}>
        {isChanged && !isWrong && <ChangesPreview preview={dryRun.preview} isPending={dryRun.isPending} />}
        <PriceStrip estimate={estimateOf(draft, facts)} before={environment.cost} />
        <ErrorNote error={refused.rest} />
        <div className={classes.buttons}>
          <Hint reason={problem}>
            <Button
              type="submit"
              size="md"
              loading={update.isPending || (isChanged && dryRun.isPending)}
              {...(problem === undefined ? {} : disabledBecause(problem, () => undefined))}
            >
              {submitWord[effect]}
            </Button>
          </Hint>
          <ButtonLink {...back} variant="default" size="md">
            Cancel
          </ButtonLink>
        </div>
      </div>
      {isConfirming && effect !== 'nothing' && dryRun.preview !== undefined && (
        <ConfirmChangeDialog
          environment={environment}
          effect={effect}
          changes={dryRun.preview.changes}
          action={submitWord[effect]}
          isPending={update.isPending}
          error={update.error}
          onConfirm={save}
          onClose={() => setIsConfirming(false)}
        />
      )}
    </form>
  );
}

/** "Edit script" leads to the script itself. */
function useFocusOfLink(): void {
  const { hash } = useLocation();
  useEffect(() => {
    if (hash !== startupScriptId) return;
    const field = document.getElementById(startupScriptId);
    field?.focus({ preventScroll: true });
    field?.scrollIntoView({ block: 'center' });
  }, [hash]);
}
