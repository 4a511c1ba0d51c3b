import { Button, Group, Modal, Radio, Stack, Text, TextInput } from '@mantine/core';
import { type Image, type Workspace } from '@terrarium/contract';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { imagesQuery } from '../environments/queries.ts';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { serverErrors } from '../ui/form.ts';
import { freeTitle, languageTitle, pathOf, titleProblem } from './names.ts';

interface NewNotebookDialogProps {
  workspace: Workspace;
  existing: readonly string[];
  onClose: () => void;
}

interface KernelChoice {
  readonly name: string;
  readonly title: string;
}

/** Every kernel of every image, once, the default image's first. */
function kernelChoices(images: readonly Image[]): KernelChoice[] {
  const inOrder = images.toSorted((left, right) => Number(right.isDefault) - Number(left.isDefault));
  const choices = new Map<string, KernelChoice>();
  for (const { name, displayName, language } of inOrder.flatMap((image) => image.kernels)) {
    if (choices.has(name)) continue;
    const isKnown = languageTitle(language) !== language;
    choices.set(name, {
      name,
      title: isKnown && displayName === language ? languageTitle(language) : displayName,
    });
  }
  return [...choices.values()];
}

export function NewNotebookDialog({ workspace, existing, onClose }: NewNotebookDialogProps) {
  const queryClient = useQueryClient();
  const images = useQuery(imagesQuery);
  const [title, setTitle] = useState(() => freeTitle('Untitled', existing));
  const [chosen, setChosen] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const { namespace, name } = workspace;
  const kernels = images.data === undefined ? undefined : kernelChoices(images.data);
  const kernel = chosen ?? kernels?.[0]?.name;
  const create = useMutation({
    mutationFn: () =>
      api.createNotebook({
        params: { namespace, name },
        body: { path: pathOf(title), ...(kernel === undefined ? {} : { kernel }) },
      }),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['notebooks', namespace, name] });
      onClose();
    },
  });
  const refused = serverErrors(create.error, ['path']);
  return (
    <Modal opened onClose={onClose} title="New notebook">
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          const found = titleProblem(title, existing);
          setProblem(found);
          if (found === undefined) create.mutate();
        }}
      >
        <Stack gap="sm">
          <TextInput
            label="Name"
            data-autofocus
            autoComplete="off"
            value={title}
            error={problem ?? refused.fields['path']}
            onFocus={(event) => event.currentTarget.select()}
            onChange={(event) => setTitle(event.currentTarget.value)}
          />
          <ErrorNote error={images.error} retry={() => void images.refetch()} />
          {kernels !== undefined && kernels.length > 0 && (
            <Radio.Group label="Language" value={kernel ?? ''} onChange={setChosen}>
              <Group gap="md" mt={4}>
                {kernels.map((choice) => (
                  <Radio key={choice.name} value={choice.name} label={choice.title} />
                ))}
              </Group>
            </Radio.Group>
          )}
          {kernels?.length === 0 && (
            <Text c="dimmed" fz="sm">
              No image has a kernel yet, so the notebook names no language.
            </Text>
          )}
          <ErrorNote error={refused.rest} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={create.isPending}>
              Create notebook
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
