import { Group, Radio, Text } from '@mantine/core';
import { type Image, type Workspace } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { imagesQuery } from '../environments/queries.ts';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { NameDialog } from './NameDialog.tsx';
import { freeTitle, languageTitle } from './names.ts';

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
  const images = useQuery(imagesQuery);
  const [chosen, setChosen] = useState<string>();
  const { namespace, name } = workspace;
  const kernels = images.data === undefined ? undefined : kernelChoices(images.data);
  const kernel = chosen ?? kernels?.[0]?.name;
  return (
    <NameDialog
      workspace={workspace}
      heading="New notebook"
      label="Name"
      action="Create notebook"
      title={freeTitle('Untitled', existing)}
      existing={existing}
      save={(path) =>
        api.createNotebook({ params: { namespace, name }, body: { path, ...(kernel === undefined ? {} : { kernel }) } })
      }
      field="path"
      onClose={onClose}
    >
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
    </NameDialog>
  );
}
