import { environmentActionProblem, environmentStatusWord, hasProcesses, type Environment } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { links } from '../links.ts';
import { DataTable, type Column } from '../ui/DataTable.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { AnchorLink, ButtonLink } from '../ui/links.tsx';
import { matches, useListState } from '../ui/list-search.ts';
import { Page } from '../ui/Page.tsx';
import { SearchInput } from '../ui/SearchInput.tsx';
import { Toolbar } from '../ui/Toolbar.tsx';
import { useEnvironmentCommand } from './actions.ts';
import { DeleteEnvironmentDialog } from './DeleteEnvironmentDialog.tsx';
import { environmentColumns } from './environment-columns.tsx';
import { EnvironmentRowActions } from './EnvironmentRowActions.tsx';
import { PauseAllButton } from './PauseAllButton.tsx';
import { PriceTogether } from './PriceTogether.tsx';
import { allEnvironmentsQuery, existingEnvironments } from './queries.ts';

const dataColumns: Column<Environment>[] = [
  {
    key: 'name',
    title: 'Environment',
    sortBy: (environment) => environment.name,
    renderCell: ({ workspace, name }) => (
      <AnchorLink {...links.environment(workspace, { environment: name })} fw={600}>
        {name}
      </AnchorLink>
    ),
  },
  environmentColumns.workspace,
  environmentColumns.status,
  environmentColumns.shape,
  environmentColumns.activity,
  environmentColumns.price,
  environmentColumns.soFar,
];

export function EnvironmentsPage() {
  const list = useListState();
  const environments = useQuery(allEnvironmentsQuery);
  const [deleted, setDeleted] = useState<Environment>();
  const act = useEnvironmentCommand();
  const existing = environments.data === undefined ? undefined : existingEnvironments(environments.data);
  const rows = existing?.filter(({ name, workspace, status }) =>
    matches(list.query, name, `${workspace.namespace}/${workspace.name}`, environmentStatusWord[status]),
  );
  const columns: Column<Environment>[] = [
    ...dataColumns,
    {
      key: 'actions',
      title: 'Actions',
      isTitleHidden: true,
      align: 'right',
      width: 88,
      renderCell: (environment) => (
        <EnvironmentRowActions
          environment={environment}
          onCommand={(command) => act.mutate({ environment, command })}
          onDelete={() => setDeleted(environment)}
        />
      ),
    },
  ];
  return (
    <Page
      title="Environments"
      lead="Your Cloud Environments in all workspaces. An environment is yours alone; others in the workspace have their own."
    >
      {environments.error !== null && existing === undefined ? (
        <ErrorNote error={environments.error} retry={() => void environments.refetch()} />
      ) : existing?.length === 0 ? (
        <EmptyState
          title="No environments"
          action={
            <ButtonLink {...links.workspaces()} variant="default">
              Go to workspaces
            </ButtonLink>
          }
        >
          Running a notebook, or pressing Start in a workspace, creates one.
        </EmptyState>
      ) : (
        <>
          <Toolbar
            actions={
              existing !== undefined && (
                <>
                  <PriceTogether environments={existing} />
                  <PauseAllButton
                    environments={existing.filter(
                      ({ status }) => hasProcesses(status) && environmentActionProblem(status, 'stop') === undefined,
                    )}
                  />
                </>
              )
            }
          >
            <SearchInput list={list} label="Search environments" />
          </Toolbar>
          <ErrorNote error={act.error} />
          {rows?.length === 0 ? (
            <EmptyState title={`No environment matches "${list.query}"`} />
          ) : (
            <DataTable
              label="Environments"
              columns={columns}
              rows={rows}
              keyOf={({ id }) => id}
              list={list}
              defaultSort={{ key: 'activity', isDescending: true }}
            />
          )}
        </>
      )}
      {deleted !== undefined && <DeleteEnvironmentDialog environment={deleted} onClose={() => setDeleted(undefined)} />}
    </Page>
  );
}
