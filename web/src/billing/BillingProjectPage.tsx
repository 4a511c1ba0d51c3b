import { Button, Skeleton, Table, Text } from '@mantine/core';
import type { BillingProject } from '@terrarium/contract';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { api, isNotFound } from '../api.ts';
import { ProjectEnvironmentsSection } from '../environments/ProjectEnvironmentsSection.tsx';
import { links } from '../links.ts';
import { NotFoundPage } from '../shell/ErrorPages.tsx';
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { count } from '../ui/formats.ts';
import { disabledBecause, Hint } from '../ui/Hint.tsx';
import { AnchorLink } from '../ui/links.tsx';
import { Page, Section } from '../ui/Page.tsx';
import { When } from '../ui/When.tsx';
import { CreateWorkspaceDialog } from '../workspaces/CreateWorkspaceDialog.tsx';
import { workspacesQuery } from '../workspaces/queries.ts';
import { billingProjectQuery } from './queries.ts';
import { SpendSection } from './SpendSection.tsx';

export function BillingProjectPage() {
  const { project: name } = useParams({ from: '/app/billing/$project' });
  const project = useQuery(billingProjectQuery(name));
  const [isDeleting, setIsDeleting] = useState(false);
  if (isNotFound(project.error)) return <NotFoundPage />;
  const problem = project.data === undefined ? undefined : deleteProblem(project.data);
  return (
    <Page
      title={name}
      lead={project.data === undefined ? 'Billing project' : project.data.description || 'Billing project'}
      actions={
        project.data !== undefined && (
          <Hint reason={problem}>
            <Button
              variant="default"
              c={problem === undefined ? 'var(--danger)' : undefined}
              leftSection={<IconTrash size={16} aria-hidden />}
              {...disabledBecause(problem, () => setIsDeleting(true))}
            >
              Delete billing project
            </Button>
          </Hint>
        )
      }
    >
      {project.data === undefined ? (
        project.error === null ? (
          <Skeleton height={240} aria-label="Loading" />
        ) : (
          <ErrorNote error={project.error} retry={() => void project.refetch()} />
        )
      ) : (
        <>
          <WorkspacesSection namespace={name} />
          {project.data.role === 'owner' && <ProjectEnvironmentsSection project={name} />}
          <SpendSection project={name} />
          <MembersSection project={project.data} />
        </>
      )}
      {isDeleting && <DeleteDialog name={name} onClose={() => setIsDeleting(false)} />}
    </Page>
  );
}

function deleteProblem(project: BillingProject): string | undefined {
  if (project.role !== 'owner') return 'Only an owner of the billing project can delete it.';
  if (project.workspaceCount > 0)
    return `It has ${count(project.workspaceCount, 'workspace')}. Delete ${project.workspaceCount === 1 ? 'it' : 'them'} first.`;
  return undefined;
}

function WorkspacesSection({ namespace }: { namespace: string }) {
  const workspaces = useQuery(workspacesQuery);
  const [isCreating, setIsCreating] = useState(false);
  const own = workspaces.data?.filter((workspace) => workspace.namespace === namespace);
  const create = (
    <Button
      variant="default"
      size="xs"
      leftSection={<IconPlus size={14} aria-hidden />}
      onClick={() => setIsCreating(true)}
    >
      New workspace
    </Button>
  );
  return (
    <Section title="Workspaces" actions={create}>
      <ErrorNote error={workspaces.error} retry={() => void workspaces.refetch()} />
      {own === undefined && workspaces.error === null && <Skeleton height={64} />}
      {own?.length === 0 && <EmptyState title="No workspaces in this billing project" />}
      {own !== undefined && own.length > 0 && (
        <Table aria-label="Workspaces">
          <Table.Tbody>
            {own.map((workspace) => (
              <Table.Tr key={workspace.id}>
                <Table.Td>
                  <AnchorLink {...links.dashboard(workspace)}>{workspace.name}</AnchorLink>
                </Table.Td>
                <Table.Td>{workspace.owner}</Table.Td>
                <Table.Td ta="right" c="dimmed">
                  <When at={workspace.updatedAt} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {isCreating && <CreateWorkspaceDialog namespace={namespace} onClose={() => setIsCreating(false)} />}
    </Section>
  );
}

function MembersSection({ project }: { project: BillingProject }) {
  return (
    <Section title="Members">
      <Table aria-label="Members">
        <Table.Tbody>
          {project.members.map((member) => (
            <Table.Tr key={member.email}>
              <Table.Td>{member.email}</Table.Td>
              <Table.Td ta="right">
                {member.role === 'owner' ? 'Owner' : 'User'}{' '}
                <Text span c="dimmed" fz="sm">
                  ({member.role === 'owner' ? 'manages members and spend' : 'creates workspaces'})
                </Text>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Section>
  );
}

function DeleteDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const remove = useMutation({
    mutationFn: () => api.deleteBillingProject({ params: { name } }),
    onSuccess: async () => {
      await navigate(links.billing());
      queryClient.removeQueries({ queryKey: billingProjectQuery(name).queryKey });
      await queryClient.invalidateQueries({ queryKey: ['billing-projects'], exact: true });
    },
  });
  return (
    <ConfirmDialog
      title={`Delete billing project "${name}"?`}
      action="Delete billing project"
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      Lost: the project and its members’ roles. It has no workspaces, so no notebook or file is lost.
    </ConfirmDialog>
  );
}
