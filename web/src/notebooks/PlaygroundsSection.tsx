import { ActionIcon, Group, Text, Tooltip } from '@mantine/core';
import { isPlaygroundPath, playgroundDays, type Playground, type Workspace } from '@terrarium/contract';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { IconDeviceFloppy, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { api } from '../api.ts';
import { links } from '../links.ts';
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx';
import { DataTable, type Column } from '../ui/DataTable.tsx';
import { disabledBecause } from '../ui/Hint.tsx';
import { AnchorLink } from '../ui/links.tsx';
import { useOwnListState } from '../ui/list-search.ts';
import { Section } from '../ui/Page.tsx';
import { When } from '../ui/When.tsx';
import { writeProblem } from '../workspaces/permissions.ts';
import { KeepPlaygroundDialog } from './KeepPlaygroundDialog.tsx';
import { nameWithin } from './modes.ts';
import { titleOf } from './names.ts';
import classes from './NotebooksPage.module.css';
import { playgroundsQuery } from './queries.ts';

const titleWithin = (path: string): string => titleOf(nameWithin(path));

/** Your own playgrounds of this workspace; nothing while there are none. */
export function PlaygroundsSection({ workspace, existing }: { workspace: Workspace; existing: readonly string[] }) {
  const list = useOwnListState();
  const playgrounds = useQuery(playgroundsQuery(workspace));
  const [asked, setAsked] = useState<{ kind: 'keep' | 'delete'; playground: Playground }>();
  if (playgrounds.data === undefined || playgrounds.data.length === 0) return null;
  const keepProblem = writeProblem(workspace);
  const columns: Column<Playground>[] = [
    {
      key: 'name',
      title: 'Playground',
      sortBy: ({ path }) => titleWithin(path),
      renderCell: ({ path }) => (
        <AnchorLink {...links.open(workspace, path)} className={classes.title}>
          {titleWithin(path)}
        </AnchorLink>
      ),
    },
    {
      key: 'source',
      title: 'Made from',
      sortBy: ({ source }) => source,
      renderCell: ({ source }) => <Source workspace={workspace} source={source} existing={existing} />,
      isSecondary: true,
    },
    {
      key: 'used',
      title: 'Last used',
      sortBy: ({ lastUsedAt }) => lastUsedAt,
      renderCell: ({ lastUsedAt }) => <When at={lastUsedAt} />,
      width: 144,
    },
    {
      key: 'deleted',
      title: 'Deleted on',
      sortBy: ({ deletedAt }) => deletedAt,
      renderCell: ({ deletedAt }) => <When at={deletedAt} />,
      width: 144,
      isSecondary: true,
    },
    {
      key: 'actions',
      title: 'Actions',
      isTitleHidden: true,
      align: 'right',
      width: 88,
      renderCell: (playground) => (
        <Group gap={4} justify="flex-end" wrap="nowrap">
          <Tooltip label={keepProblem ?? 'Keep as a notebook…'}>
            <ActionIcon
              aria-label={`Keep ${titleWithin(playground.path)}`}
              {...disabledBecause(keepProblem, () => setAsked({ kind: 'keep', playground }))}
            >
              <IconDeviceFloppy size={16} />
            </ActionIcon>
          </Tooltip>
          <Tooltip label="Delete…">
            <ActionIcon
              aria-label={`Delete playground ${titleWithin(playground.path)}`}
              onClick={() => setAsked({ kind: 'delete', playground })}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </Tooltip>
        </Group>
      ),
    },
  ];
  const close = () => setAsked(undefined);
  return (
    <div className={classes.playgrounds}>
      <Section title="Your playgrounds">
        <Text c="dimmed" fz="sm" mb="xs">
          Private copies that only you can see. Nothing in them is saved to the bucket; one that is unused for{' '}
          {playgroundDays} days is deleted.
        </Text>
        <DataTable
          label="Your playgrounds"
          columns={columns}
          rows={playgrounds.data}
          keyOf={({ path }) => path}
          list={list}
          defaultSort={{ key: 'used', isDescending: true }}
        />
      </Section>
      {asked?.kind === 'keep' && (
        <KeepPlaygroundDialog
          workspace={workspace}
          path={asked.playground.path}
          source={asked.playground.source}
          existing={existing}
          onClose={close}
        />
      )}
      {asked?.kind === 'delete' && (
        <DeletePlaygroundDialog workspace={workspace} path={asked.playground.path} onClose={close} />
      )}
    </div>
  );
}

interface SourceProps {
  workspace: Workspace;
  source: string | null;
  existing: readonly string[];
}

function Source({ workspace, source, existing }: SourceProps) {
  if (source === null || isPlaygroundPath(source)) return null;
  if (!existing.includes(source))
    return (
      <Text c="dimmed" fz="inherit">
        {titleOf(source)} (gone)
      </Text>
    );
  return (
    <AnchorLink {...links.preview(workspace, source)} c="inherit">
      {titleOf(source)}
    </AnchorLink>
  );
}

function DeletePlaygroundDialog(props: { workspace: Workspace; path: string; onClose: () => void }) {
  const { workspace, path, onClose } = props;
  const { namespace, name } = workspace;
  const queryClient = useQueryClient();
  const remove = useMutation({
    mutationFn: () => api.deletePlayground({ params: { namespace, name, path } }),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['playgrounds', namespace, name] });
      onClose();
    },
  });
  return (
    <ConfirmDialog
      title={`Delete playground "${titleWithin(path)}"?`}
      action="Delete playground"
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <Text>
        Lost: what you wrote and ran in this playground. Kept: the notebook it was made from. This cannot be undone.
      </Text>
    </ConfirmDialog>
  );
}
