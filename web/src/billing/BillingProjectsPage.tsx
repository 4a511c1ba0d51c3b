import { Button } from '@mantine/core';
import type { BillingProject } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
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
import { CreateBillingProjectDialog } from './CreateBillingProjectDialog.tsx';
import { billingProjectsQuery } from './queries.ts';

const columns: Column<BillingProject>[] = [
  {
    key: 'name',
    title: 'Billing project',
    sortBy: (project) => project.name,
    renderCell: (project) => (
      <AnchorLink {...links.billingProject(project.name)} fw={600}>
        {project.name}
      </AnchorLink>
    ),
  },
  {
    key: 'role',
    title: 'Your role',
    sortBy: (project) => project.role,
    renderCell: (project) => (project.role === 'owner' ? 'Owner' : 'User'),
  },
  {
    key: 'workspaces',
    title: 'Workspaces',
    align: 'right',
    sortBy: (project) => project.workspaceCount,
    renderCell: (project) => project.workspaceCount,
  },
  {
    key: 'members',
    title: 'Members',
    align: 'right',
    sortBy: (project) => project.members.length,
    renderCell: (project) => project.members.length,
    isSecondary: true,
  },
  {
    key: 'created',
    title: 'Created',
    sortBy: (project) => project.createdAt,
    renderCell: (project) => <When at={project.createdAt} />,
    isSecondary: true,
  },
];

export function BillingProjectsPage() {
  const list = useListState();
  const projects = useQuery(billingProjectsQuery);
  const [isCreating, setIsCreating] = useState(false);
  const rows = projects.data?.filter(({ name, description }) => matches(list.query, name, description));
  const create = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setIsCreating(true)}>
      New billing project
    </Button>
  );
  return (
    <Page title="Billing projects" lead="Who pays: workspaces belong to a billing project." actions={create}>
      {projects.error !== null && projects.data === undefined ? (
        <ErrorNote error={projects.error} retry={() => void projects.refetch()} />
      ) : projects.data?.length === 0 ? (
        <EmptyState title="No billing projects" action={create}>
          Create one, then workspaces in it.
        </EmptyState>
      ) : (
        <>
          <Toolbar>
            <SearchInput list={list} label="Search billing projects" />
          </Toolbar>
          {rows?.length === 0 ? (
            <EmptyState title={`No billing project matches "${list.query}"`} />
          ) : (
            <DataTable
              label="Billing projects"
              columns={columns}
              rows={rows}
              keyOf={({ name }) => name}
              list={list}
              defaultSort={{ key: 'name' }}
            />
          )}
        </>
      )}
      {isCreating && <CreateBillingProjectDialog onClose={() => setIsCreating(false)} />}
    </Page>
  );
}
