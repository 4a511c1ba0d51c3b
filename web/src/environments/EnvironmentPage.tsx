import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { useWorkspace } from '../workspaces/queries.ts';
import { CreateEnvironmentForm } from './CreateEnvironmentForm.tsx';
import classes from './EnvironmentPage.module.css';
import { EnvironmentDetails } from './EnvironmentDetails.tsx';
import { currentEnvironment, environmentsQuery } from './queries.ts';

/** The Cloud environment tab: the environment there is, or the form that creates one. */
export function EnvironmentPage() {
  const workspace = useWorkspace();
  const environments = useQuery(environmentsQuery(workspace));
  const environment = currentEnvironment(environments.data);
  return (
    <div className={classes.page}>
      <title>{`Cloud environment · ${workspace.name} · Terrarium`}</title>
      {environments.data === undefined ? (
        environments.error === null ? (
          <Skeleton height={240} aria-label="Loading" />
        ) : (
          <ErrorNote error={environments.error} retry={() => void environments.refetch()} />
        )
      ) : environment === undefined ? (
        <CreateEnvironmentForm workspace={workspace} />
      ) : (
        <EnvironmentDetails key={environment.id} environment={environment} workspace={workspace} />
      )}
    </div>
  );
}
