import { environmentStatusWord, type Environment } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { DataTable, type Column } from '../ui/DataTable.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { matches, useOwnListState } from '../ui/list-search.ts';
import { Section } from '../ui/Page.tsx';
import { SearchInput } from '../ui/SearchInput.tsx';
import { Toolbar } from '../ui/Toolbar.tsx';
import { useEnvironmentCommand } from './actions.ts';
import { DeleteEnvironmentDialog } from './DeleteEnvironmentDialog.tsx';
import { environmentColumns } from './environment-columns.tsx';
import { PauseAndDelete } from './EnvironmentRowActions.tsx';
import { PriceTogether } from './PriceTogether.tsx';
import { existingEnvironments, projectEnvironmentsQuery } from './queries.ts';

const dataColumns: Column<Environment>[] = [
  {
    key: 'name',
    title: 'Environment',
    sortBy: ({ name }) => name,
    renderCell: ({ name }) => name,
    isSecondary: true,
  },
  { key: 'owner', title: 'Owner', sortBy: ({ owner }) => owner, renderCell: ({ owner }) => owner },
  environmentColumns.workspace,
  environmentColumns.status,
  environmentColumns.activity,
  environmentColumns.price,
  environmentColumns.soFar,
];

/** Everybody's environments that the project pays for, for its owners: they may end them, not look into them. */
export function ProjectEnvironmentsSection({ project }: { project: string }) {
  const list = useOwnListState();
  const environments = useQuery(projectEnvironmentsQuery(project));
  const [deleted, setDeleted] = useState<Environment>();
  const act = useEnvironmentCommand();
  const existing = environments.data === undefined ? undefined : existingEnvironments(environments.data);
  const rows = existing?.filter(({ name, owner, workspace, status }) =>
    matches(list.query, name, owner, workspace.name, environmentStatusWord[status]),
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
        <PauseAndDelete
          environment={environment}
          onPause={() => act.mutate({ environment, command: 'stop' })}
          onDelete={() => setDeleted(environment)}
        />
      ),
    },
  ];
  return (
    <Section title="Environments">
      {environments.error !== null && existing === undefined ? (
        <ErrorNote error={environments.error} retry={() => void environments.refetch()} />
      ) : existing?.length === 0 ? (
        <EmptyState title="No environments">Nobody has a Cloud Environment that this project pays for.</EmptyState>
      ) : (
        <>
          <Toolbar actions={existing !== undefined && <PriceTogether environments={existing} />}>
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
              defaultSort={{ key: 'price', isDescending: true }}
            />
          )}
        </>
      )}
      {deleted !== undefined && (
        <DeleteEnvironmentDialog environment={deleted} isOfSomebodyElse onClose={() => setDeleted(undefined)} />
      )}
    </Section>
  );
}
