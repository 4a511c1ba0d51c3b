import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { objectKeyProblem, type Workspace } from '@terrarium/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api.ts';
import { links } from '../links.ts';
import { ErrorNote } from '../ui/ErrorNote.tsx';

interface NewFolderDialogProps {
  workspace: Workspace;
  /** Where it is made. */
  folder: string;
  existing: readonly string[];
  onClose: () => void;
}

export function NewFolderDialog({ workspace, folder, existing, onClose }: NewFolderDialogProps) {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string>();
  const { namespace, name } = workspace;
  const create = useMutation({
    mutationFn: (key: string) =>
      api.putObject({
        params: { namespace, name, key },
        body: '',
        headers: { 'if-none-match': '*', 'content-type': 'application/octet-stream' },
      }),
    onSuccess: async ({ key }) => {
      void queryClient.invalidateQueries({ queryKey: ['objects', namespace, name] });
      onClose();
      await navigate(links.files(workspace, key));
    },
  });
  return (
    <Modal opened onClose={onClose} title="New folder">
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          const found =
            text === ''
              ? 'A folder needs a name.'
              : text.includes('/')
                ? 'A folder name has no slash. Make one folder, then another in it.'
                : existing.includes(text)
                  ? `There is "${text}" here already.`
                  : objectKeyProblem(`${folder}${text}/`);
          setProblem(found);
          if (found === undefined) create.mutate(`${folder}${text}/`);
        }}
      >
        <Stack gap="sm">
          <TextInput
            label="Name"
            description={folder === '' ? 'In the bucket' : `In ${folder}`}
            data-autofocus
            autoComplete="off"
            value={text}
            error={problem}
            onChange={(event) => setText(event.currentTarget.value)}
          />
          <ErrorNote error={create.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={create.isPending}>
              Create folder
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
