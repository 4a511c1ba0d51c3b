import { Button } from '@mantine/core';
import type { Workspace } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { ProjectName } from '../billing/ProjectName.tsx';
import { links } from '../links.ts';
import { DataTable, type Column } from '../ui/DataTable.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { AnchorLink } from '../ui/links.tsx';
import { matches, useListState } from '../ui/list-search.ts';
import { Page } from '../ui/Page.tsx';
import { SearchInput } from '../ui/SearchInput.tsx';
import { Toolbar } from '../ui/Toolbar.tsx';
import { When } from '../ui/When.tsx';
import { CreateWorkspaceDialog } from './CreateWorkspaceDialog.tsx';
import { workspacesQuery } from './queries.ts';

const columns: Column<Workspace>[] = [
  {
    key: 'name',
    title: 'Workspace',
    sortBy: (workspace) => workspace.name,
    renderCell: (workspace) => (
      <AnchorLink {...links.dashboard(workspace)} fw={600}>
        {workspace.name}
      </AnchorLink>
    ),
  },
  {
    key: 'namespace',
    title: 'Billing project',
    sortBy: (workspace) => workspace.namespace,
    renderCell: (workspace) => <ProjectName name={workspace.namespace} c="inherit" />,
  },
  {
    key: 'owner',
    title: 'Owner',
    sortBy: (workspace) => workspace.owner,
    renderCell: (workspace) => workspace.owner,
    isSecondary: true,
  },
  {
    key: 'role',
    title: 'Your access',
    sortBy: (workspace) => workspace.role,
    renderCell: (workspace) => workspace.role,
    isSecondary: true,
  },
  {
    key: 'updated',
    title: 'Last updated',
    sortBy: (workspace) => workspace.updatedAt,
    renderCell: (workspace) => <When at={workspace.updatedAt} />,
    width: 160,
  },
];

export function WorkspacesPage() {
  const list = useListState();
  const workspaces = useQuery(workspacesQuery);
  const [isCreating, setIsCreating] = useState(false);
  const rows = workspaces.data?.filter(({ namespace, name, owner }) =>
    matches(list.query, `${namespace}/${name}`, owner),
  );
  const create = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setIsCreating(true)}>
      New workspace
    </Button>
  );
  return (
    <Page title="Workspaces" actions={create}>
      {workspaces.error !== null && workspaces.data === undefined ? (
        <ErrorNote error={workspaces.error} retry={() => void workspaces.refetch()} />
      ) : workspaces.data?.length === 0 ? (
        <EmptyState title="No workspaces yet" action={create}>
          A workspace holds notebooks and files, and the Cloud Environment that runs them. Create one to start.
        </EmptyState>
      ) : (
        <>
          <Toolbar>
            <SearchInput list={list} label="Search workspaces" />
          </Toolbar>
          {rows?.length === 0 ? (
            <EmptyState title={`No workspace matches "${list.query}"`} />
          ) : (
            <DataTable
              label="Workspaces"
              columns={columns}
              rows={rows}
              keyOf={(workspace) => workspace.id}
              list={list}
              defaultSort={{ key: 'updated', isDescending: true }}
            />
          )}
        </>
      )}
      {isCreating && <CreateWorkspaceDialog onClose={() => setIsCreating(false)} />}
    </Page>
  );
}
