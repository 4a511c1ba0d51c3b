import { Button, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core';
import type { Workspace } from '@terrarium/contract';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { links } from '../links.ts';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { serverErrors } from '../ui/form.ts';
import { ButtonLink } from '../ui/links.tsx';
import { workspacesQuery } from '../workspaces/queries.ts';
import { pathOf, titleOf, titleProblem } from './names.ts';

interface CopyToWorkspaceDialogProps {
  workspace: Workspace;
  path: string;
  onClose: () => void;
}

const nameOf = ({ namespace, name }: Pick<Workspace, 'namespace' | 'name'>): string => `${namespace}/${name}`;

/** Copies a notebook into another workspace that you can write to. */
export function CopyToWorkspaceDialog({ workspace, path, onClose }: CopyToWorkspaceDialogProps) {
  const workspaces = useQuery(workspacesQuery);
  const [chosen, setChosen] = useState<string | null>(null);
  const [title, setTitle] = useState(titleOf(path));
  const [problems, setProblems] = useState<{ workspace?: string | undefined; title?: string | undefined }>({});
  const targets = workspaces.data?.filter(({ id, role }) => id !== workspace.id && role !== 'READER');
  const target =
    targets?.find((candidate) => nameOf(candidate) === chosen) ?? (targets?.length === 1 ? targets[0] : undefined);
  const copy = useMutation({
    mutationFn: (to: Workspace) =>
      api.copyNotebook({
        params: { namespace: workspace.namespace, name: workspace.name, path },
        body: { to: pathOf(title), workspace: { namespace: to.namespace, name: to.name } },
      }),
  });
  const refused = serverErrors(copy.error, ['to']);
  if (copy.isSuccess && target !== undefined)
    return (
      <Modal opened onClose={onClose} title="Copied">
        <Text role="status">
          “{titleOf(copy.data.path)}” is in {nameOf(target)}. It goes its own way from here: edits to one do not reach
          the other.
        </Text>
        <Group justify="flex-end" gap="xs" mt="md">
          <Button variant="default" onClick={onClose}>
            Stay here
          </Button>
          <ButtonLink {...links.preview(target, copy.data.path)}>Go to the copy</ButtonLink>
        </Group>
      </Modal>
    );
  return (
    <Modal opened onClose={onClose} title={`Copy "${titleOf(path)}" to another workspace`}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          const found = {
            workspace: target === undefined ? 'Choose a workspace.' : undefined,
            title: titleProblem(title, []),
          };
          setProblems(found);
          if (target !== undefined && found.title === undefined) copy.mutate(target);
        }}
      >
        <Stack gap="sm">
          <ErrorNote error={workspaces.error} retry={() => void workspaces.refetch()} />
          {targets?.length === 0 ? (
            <Text>There is no other workspace that you can write to. Create one, then copy the notebook there.</Text>
          ) : (
            <>
              <Select
                label="Workspace"
                placeholder={targets === undefined ? 'Loading…' : 'Choose a workspace'}
                searchable
                nothingFoundMessage="No workspace of that name"
                data={(targets ?? []).map(nameOf).toSorted()}
                value={target === undefined ? null : nameOf(target)}
                error={problems.workspace}
                onChange={setChosen}
                comboboxProps={{ withinPortal: true }}
                data-autofocus={target === undefined || undefined}
              />
              <TextInput
                label="Name there"
                data-autofocus={target !== undefined || undefined}
                autoComplete="off"
                value={title}
                error={problems.title ?? refused.fields['to']}
                onChange={(event) => setTitle(event.currentTarget.value)}
              />
            </>
          )}
          <ErrorNote error={refused.rest} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            {targets?.length === 0 ? (
              <ButtonLink {...links.workspaces()}>Go to workspaces</ButtonLink>
            ) : (
              <Button type="submit" loading={copy.isPending}>
                Copy
              </Button>
            )}
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
