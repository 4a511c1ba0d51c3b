import { ActionIcon, Group, Text, Tooltip } from '@mantine/core';
import { environmentActionProblem, environmentStatusWord, type Environment } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { IconPlayerPause, IconPlayerPlay, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { links } from '../links.ts';
import { DataTable, type Column } from '../ui/DataTable.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { formatMoney, formatPrice } from '../ui/formats.ts';
import { disabledBecause } from '../ui/Hint.tsx';
import { AnchorLink, ButtonLink } from '../ui/links.tsx';
import { matches, useListState } from '../ui/list-search.ts';
import { Page } from '../ui/Page.tsx';
import { SearchInput } from '../ui/SearchInput.tsx';
import { Toolbar } from '../ui/Toolbar.tsx';
import { When } from '../ui/When.tsx';
import { useStartEnvironment, useStopEnvironment } from './actions.ts';
import { DeleteEnvironmentDialog } from './DeleteEnvironmentDialog.tsx';
import { allEnvironmentsQuery } from './queries.ts';
import { pricePerHourNow, shapeText } from './shape.ts';
import { StatusWord } from './StatusWord.tsx';

const dataColumns: Column<Environment>[] = [
  {
    key: 'name',
    title: 'Environment',
    sortBy: (environment) => environment.name,
    renderCell: (environment) => (
      <AnchorLink {...links.environment(environment.workspace)} fw={600}>
        {environment.name}
      </AnchorLink>
    ),
  },
  {
    key: 'workspace',
    title: 'Workspace',
    sortBy: ({ workspace }) => `${workspace.namespace}/${workspace.name}`,
    renderCell: ({ workspace }) => (
      <AnchorLink {...links.dashboard(workspace)} c="inherit">
        {workspace.namespace}/{workspace.name}
      </AnchorLink>
    ),
    isSecondary: true,
  },
  {
    key: 'status',
    title: 'Status',
    sortBy: ({ status }) => environmentStatusWord[status],
    renderCell: ({ status }) => <StatusWord status={status} />,
  },
  {
    key: 'shape',
    title: 'Shape',
    sortBy: ({ cpus }) => cpus,
    renderCell: (environment) => shapeText(environment),
    isSecondary: true,
  },
  {
    key: 'created',
    title: 'Created',
    sortBy: ({ createdAt }) => createdAt,
    renderCell: ({ createdAt }) => <When at={createdAt} />,
    isSecondary: true,
  },
  {
    key: 'price',
    title: 'Now',
    align: 'right',
    sortBy: pricePerHourNow,
    renderCell: (environment) => `${formatPrice(pricePerHourNow(environment), environment.cost.currency)}/h`,
  },
  {
    key: 'soFar',
    title: 'So far',
    align: 'right',
    sortBy: ({ cost }) => cost.soFar,
    renderCell: ({ cost }) => formatMoney(cost.soFar, cost.currency),
    isSecondary: true,
  },
];

export function EnvironmentsPage() {
  const list = useListState();
  const environments = useQuery(allEnvironmentsQuery);
  const [deleted, setDeleted] = useState<Environment>();
  const start = useStartEnvironment();
  const stop = useStopEnvironment();
  const existing = environments.data?.filter(({ status }) => status !== 'Deleted');
  const rows = existing?.filter(({ name, workspace, status }) =>
    matches(list.query, name, `${workspace.namespace}/${workspace.name}`, environmentStatusWord[status]),
  );
  const columns: Column<Environment>[] = [
    ...dataColumns,
    {
      key: 'actions',
      title: 'Actions',
      isTitleHidden: true,
      align: 'right',
      width: 88,
      renderCell: (environment) => (
        <RowActions
          environment={environment}
          onStart={() => start.mutate(environment)}
          onStop={() => stop.mutate(environment)}
          onDelete={() => setDeleted(environment)}
        />
      ),
    },
  ];
  return (
    <Page
      title="Environments"
      lead="Your Cloud Environments in all workspaces. An environment is yours alone; others in the workspace have their own."
    >
      {environments.error !== null && existing === undefined ? (
        <ErrorNote error={environments.error} retry={() => void environments.refetch()} />
      ) : existing?.length === 0 ? (
        <EmptyState
          title="No environments"
          action={
            <ButtonLink {...links.workspaces()} variant="default">
              Go to workspaces
            </ButtonLink>
          }
        >
          Running a notebook, or pressing Start in a workspace, creates one.
        </EmptyState>
      ) : (
        <>
          <Toolbar actions={existing !== undefined && <Total environments={existing} />}>
            <SearchInput list={list} label="Search environments" />
          </Toolbar>
          <ErrorNote error={start.error ?? stop.error} />
          {rows?.length === 0 ? (
            <EmptyState title={`No environment matches "${list.query}"`} />
          ) : (
            <DataTable
              label="Environments"
              columns={columns}
              rows={rows}
              keyOf={({ id }) => id}
              list={list}
              defaultSort={{ key: 'created', isDescending: true }}
            />
          )}
        </>
      )}
      {deleted !== undefined && <DeleteEnvironmentDialog environment={deleted} onClose={() => setDeleted(undefined)} />}
    </Page>
  );
}

/** What all of them cost right now: the figure one looks for when the question is "did I leave something on?". */
function Total({ environments }: { environments: readonly Environment[] }) {
  const currency = environments[0]?.cost.currency;
  if (currency === undefined) return null;
  const perHour = environments.reduce((sum, environment) => sum + pricePerHourNow(environment), 0);
  return (
    <Text c="dimmed" fz="sm">
      Together{' '}
      <Text span c="var(--mantine-color-text)" fw={600} fz="inherit">
        {formatPrice(perHour, currency)}/h
      </Text>{' '}
      right now
    </Text>
  );
}

interface RowActionsProps {
  environment: Environment;
  onStart: () => void;
  onStop: () => void;
  onDelete: () => void;
}

function RowActions({ environment, onStart, onStop, onDelete }: RowActionsProps) {
  const { status, name } = environment;
  const isStartOffered = environmentActionProblem(status, 'start') === undefined;
  const turn = isStartOffered
    ? { word: 'Start', Icon: IconPlayerPlay, problem: undefined, act: onStart }
    : { word: 'Pause', Icon: IconPlayerPause, problem: environmentActionProblem(status, 'stop'), act: onStop };
  const deleteProblem = environmentActionProblem(status, 'delete');
  return (
    <Group gap={4} justify="flex-end" wrap="nowrap">
      <Tooltip label={turn.problem ?? turn.word}>
        <ActionIcon aria-label={`${turn.word} ${name}`} {...disabledBecause(turn.problem, turn.act)}>
          <turn.Icon size={16} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label={deleteProblem ?? 'Delete…'}>
        <ActionIcon aria-label={`Delete ${name}`} {...disabledBecause(deleteProblem, onDelete)}>
          <IconTrash size={16} />
        </ActionIcon>
      </Tooltip>
    </Group>
  );
}
