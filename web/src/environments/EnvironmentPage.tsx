import { Skeleton } from '@mantine/core';
import type { Environment, Workspace } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { links } from '../links.ts';
import { EmptyState } from '../ui/EmptyState.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { ButtonLink } from '../ui/links.tsx';
import { useWorkspace } from '../workspaces/queries.ts';
import { CreateEnvironmentForm } from './CreateEnvironmentForm.tsx';
import { EditEnvironmentForm } from './EditEnvironmentForm.tsx';
import { EnvironmentDetails } from './EnvironmentDetails.tsx';
import { EnvironmentList } from './EnvironmentList.tsx';
import classes from './EnvironmentPage.module.css';
import { chosenEnvironment, environmentsQuery, existingEnvironments } from './queries.ts';

/** The Cloud environment tab: the environments there are, or the form that creates or changes one. */
export function EnvironmentPage() {
  const workspace = useWorkspace();
  const environments = useQuery(environmentsQuery(workspace));
  return (
    <div className={classes.page}>
      <title>{`Cloud environment · ${workspace.name} · Terrarium`}</title>
      {environments.data === undefined ? (
        environments.error === null ? (
          <Skeleton height={240} aria-label="Loading" />
        ) : (
          <ErrorNote error={environments.error} retry={() => void environments.refetch()} />
        )
      ) : (
        <Chosen workspace={workspace} environments={existingEnvironments(environments.data)} />
      )}
    </div>
  );
}

function Chosen({ workspace, environments }: { workspace: Workspace; environments: readonly Environment[] }) {
  const search = useSearch({ from: '/app/workspaces/$namespace/$name/environment' });
  const { environment: wanted, view, disk, memory } = search;
  const chosen = chosenEnvironment(environments);
  const shown = wanted === undefined ? chosen : environments.find(({ name }) => name === wanted);
  if (chosen === undefined || view === 'new') return <CreateEnvironmentForm workspace={workspace} wantedDisk={disk} />;
  if (shown !== undefined && view === 'edit')
    return <EditEnvironmentForm key={shown.id} environment={shown} workspace={workspace} wantedMemoryGiB={memory} />;
  return (
    <>
      {environments.length > 1 && (
        <EnvironmentList workspace={workspace} environments={environments} chosen={chosen} shown={shown} />
      )}
      {shown === undefined ? (
        <EmptyState
          title={`You have no environment "${wanted ?? ''}" here`}
          action={
            <ButtonLink {...links.environment(workspace)} variant="default">
              Show {chosen.name}
            </ButtonLink>
          }
        />
      ) : (
        <EnvironmentDetails
          key={shown.id}
          environment={shown}
          workspace={workspace}
          isChosen={shown.id === chosen.id}
        />
      )}
    </>
  );
}
