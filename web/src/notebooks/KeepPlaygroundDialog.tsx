import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import type { Workspace } from '@terrarium/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { serverErrors } from '../ui/form.ts';
import { nameWithin } from './modes.ts';
import { freeTitle, pathOf, titleOf, titleProblem } from './names.ts';

interface KeepPlaygroundDialogProps {
  workspace: Workspace;
  path: string;
  /** The notebook it was made from. */
  source: string | null;
  existing: readonly string[];
  onClose: () => void;
}

/** Stores a playground as a new notebook of the workspace. */
export function KeepPlaygroundDialog({ workspace, path, source, existing, onClose }: KeepPlaygroundDialogProps) {
  const queryClient = useQueryClient();
  const { namespace, name } = workspace;
  const own = titleOf(nameWithin(path));
  const [title, setTitle] = useState(() => freeTitle(`${titleOf(nameWithin(source ?? path))} playground`, existing));
  const [problem, setProblem] = useState<string>();
  const keep = useMutation({
    mutationFn: () => api.keepPlayground({ params: { namespace, name, path }, body: { to: pathOf(title) } }),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['notebooks', namespace, name] });
      onClose();
    },
  });
  const refused = serverErrors(keep.error, ['to']);
  return (
    <Modal opened onClose={onClose} title={`Keep "${own}" as a notebook`}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          const found = titleProblem(title, existing);
          setProblem(found);
          if (found === undefined) keep.mutate();
        }}
      >
        <Stack gap="sm">
          <Text>Everyone in the workspace will see the notebook. The playground stays as it is.</Text>
          <TextInput
            label="Name of the notebook"
            data-autofocus
            autoComplete="off"
            value={title}
            error={problem ?? refused.fields['to']}
            onFocus={(event) => event.currentTarget.select()}
            onChange={(event) => setTitle(event.currentTarget.value)}
          />
          <ErrorNote error={refused.rest} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={keep.isPending}>
              Keep
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
