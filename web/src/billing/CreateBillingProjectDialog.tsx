import { Button, Group, Modal, Stack, Textarea, TextInput } from '@mantine/core';
import { endpoints } from '@terrarium/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api.ts';
import { links } from '../links.ts';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { fieldErrors, serverErrors, type FieldErrors } from '../ui/form.ts';
import { billingProjectQuery } from './queries.ts';

export function CreateBillingProjectDialog({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const [problems, setProblems] = useState<FieldErrors>({});
  const body = { name, ...(description === '' ? {} : { description }) };
  const create = useMutation({
    mutationFn: () => api.createBillingProject({ body }),
    onSuccess: async (project) => {
      queryClient.setQueryData(billingProjectQuery(project.name).queryKey, project);
      void queryClient.invalidateQueries({ queryKey: ['billing-projects'], exact: true });
      await navigate(links.billingProject(project.name));
    },
  });
  const refused = serverErrors(create.error, ['name', 'description']);
  return (
    <Modal opened onClose={onClose} title="New billing project">
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          const found = fieldErrors(endpoints.createBillingProject.body, body);
          setProblems(found);
          if (Object.keys(found).length === 0) create.mutate();
        }}
      >
        <Stack gap="sm">
          <TextInput
            label="Name"
            description="Lower-case letters, digits and dashes, for example my-lab. It is the namespace of its workspaces."
            data-autofocus
            value={name}
            error={problems['name'] ?? refused.fields['name']}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Textarea
            label="Description"
            autosize
            minRows={2}
            maxRows={6}
            value={description}
            error={problems['description'] ?? refused.fields['description']}
            onChange={(event) => setDescription(event.currentTarget.value)}
          />
          <ErrorNote error={refused.rest} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={create.isPending}>
              Create billing project
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
