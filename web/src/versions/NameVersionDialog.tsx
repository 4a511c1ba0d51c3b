import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { VersionName, type NotebookVersion } from '@terrarium/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { serverErrors } from '../ui/form.ts';
import type { NotebookPlace } from './queries.ts';

interface NameVersionDialogProps {
  place: NotebookPlace;
  version: NotebookVersion;
  onClose: () => void;
}

/** Gives a version a name, which keeps it for ever, or takes the name away. */
export function NameVersionDialog({ place, version, onClose }: NameVersionDialogProps) {
  const { namespace, name: workspace, path } = place;
  const queryClient = useQueryClient();
  const [name, setName] = useState(version.name ?? '');
  const [problem, setProblem] = useState<string>();
  const save = useMutation({
    mutationFn: (wanted: string | null) =>
      api.updateVersion({
        params: { namespace, name: workspace, path, version: version.version },
        body: { name: wanted },
      }),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['notebooks', namespace, workspace] });
      onClose();
    },
  });
  const refused = serverErrors(save.error, ['name']);
  return (
    <Modal opened onClose={onClose} title={version.name === null ? 'Name this version' : 'Rename this version'}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          const parsed = VersionName.safeParse(name);
          setProblem(parsed.success ? undefined : parsed.error.issues[0]?.message);
          if (parsed.success) save.mutate(parsed.data);
        }}
      >
        <Stack gap="sm">
          <TextInput
            label="Name"
            description="A version with a name is kept for as long as the notebook."
            data-autofocus
            autoComplete="off"
            value={name}
            error={problem ?? refused.fields['name']}
            onFocus={(event) => event.currentTarget.select()}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <ErrorNote error={refused.rest} />
          <Group justify="flex-end" gap="xs">
            {version.name !== null && (
              <Button variant="subtle" color="gray" mr="auto" onClick={() => save.mutate(null)}>
                Remove the name
              </Button>
            )}
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={save.isPending}>
              Save name
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
