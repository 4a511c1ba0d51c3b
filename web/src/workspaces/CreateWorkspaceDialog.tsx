import { Button, Checkbox, Group, Modal, Select, Stack, Textarea, TextInput } from '@mantine/core';
import { endpoints } from '@terrarium/contract';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api.ts';
import { billingProjectsQuery } from '../billing/queries.ts';
import { links } from '../links.ts';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { fieldErrors, serverErrors, type FieldErrors } from '../ui/form.ts';
import { workspaceQuery } from './queries.ts';

const newProject = 'new:';

/** Creates a workspace and, where there is none yet or another is wanted, its billing project too. */
export function CreateWorkspaceDialog({ namespace, onClose }: { namespace?: string; onClose: () => void }) {
  const projects = useQuery(billingProjectsQuery);
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const [chosen, setChosen] = useState<string | null>(namespace ?? null);
  const [projectName, setProjectName] = useState('');
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const [withExamples, setWithExamples] = useState(false);
  const [problems, setProblems] = useState<FieldErrors>({});

  const project = chosen ?? projects.data?.[0]?.name ?? (projects.data === undefined ? null : newProject);
  const isNewProject = project === newProject;

  const create = useMutation({
    mutationFn: async () => {
      const owner = isNewProject ? projectName : (project ?? '');
      // A second try after the workspace was refused finds the billing project made by the first.
      if (isNewProject && projects.data?.some((existing) => existing.name === owner) !== true) {
        await api.createBillingProject({ body: { name: owner } });
        await queryClient.invalidateQueries({ queryKey: ['billing-projects'] });
      }
      return api.createWorkspace({
        body: { namespace: owner, name, ...(description === '' ? {} : { description }), withExamples },
      });
    },
    onSuccess: async (workspace) => {
      queryClient.setQueryData(workspaceQuery(workspace).queryKey, workspace);
      void queryClient.invalidateQueries({ queryKey: ['workspaces'], exact: true });
      await navigate(links.dashboard(workspace));
    },
  });
  const refused = serverErrors(
    create.error,
    isNewProject ? ['name', 'namespace', 'description'] : ['name', 'description'],
  );

  function submit(): void {
    const found = fieldErrors(endpoints.createWorkspace.body, {
      namespace: isNewProject ? 'unused' : (project ?? ''),
      name,
      description,
    });
    if (isNewProject) {
      const projectProblem = fieldErrors(endpoints.createBillingProject.body, { name: projectName })['name'];
      if (projectProblem !== undefined) found['project'] = projectProblem;
    }
    setProblems(found);
    if (Object.keys(found).length === 0) create.mutate();
  }

  return (
    <Modal opened onClose={onClose} title="New workspace">
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Stack gap="sm">
          <TextInput
            label="Name"
            description="Letters, digits, dashes and underscores"
            data-autofocus
            value={name}
            error={problems['name'] ?? refused.fields['name']}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <ErrorNote error={projects.error} retry={() => void projects.refetch()} />
          {projects.data?.length !== 0 && (
            <Select
              label="Billing project"
              description="Who pays for what runs in the workspace"
              data={[
                ...(projects.data ?? []).map((existing) => ({ value: existing.name, label: existing.name })),
                { value: newProject, label: 'New billing project…' },
              ]}
              value={project}
              allowDeselect={false}
              disabled={projects.data === undefined}
              onChange={setChosen}
              error={problems['namespace'] ?? refused.fields['namespace']}
            />
          )}
          {isNewProject && (
            <TextInput
              label="Name of the new billing project"
              description="Lower-case letters, digits and dashes, for example my-lab"
              value={projectName}
              error={problems['project'] ?? refused.fields['namespace']}
              onChange={(event) => setProjectName(event.currentTarget.value)}
            />
          )}
          <Textarea
            label="Description"
            description="Markdown; can be changed later"
            autosize
            minRows={3}
            maxRows={8}
            value={description}
            error={problems['description'] ?? refused.fields['description']}
            onChange={(event) => setDescription(event.currentTarget.value)}
          />
          <Checkbox
            label="Put example notebooks in it"
            checked={withExamples}
            onChange={(event) => setWithExamples(event.currentTarget.checked)}
          />
          <ErrorNote error={refused.rest} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={create.isPending} disabled={projects.data === undefined}>
              Create workspace
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
