import { Text } from '@mantine/core';
import { isPlaygroundPath, type Kernel, type Workspace } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { links } from '../links.ts';
import { languageTitle, titleOf } from '../notebooks/names.ts';
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx';
import { DataTable, type Column } from '../ui/DataTable.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { formatBytes } from '../ui/formats.ts';
import { AnchorLink, ButtonLink } from '../ui/links.tsx';
import { useListState } from '../ui/list-search.ts';
import { Section } from '../ui/Page.tsx';
import { When } from '../ui/When.tsx';
import { computeProblem } from '../workspaces/permissions.ts';
import { useKernelAction } from './actions.ts';
import { kernelActionWarning, type KernelAction } from './kernel-actions.ts';
import { KernelActions } from './KernelActions.tsx';
import classes from './KernelsSection.module.css';
import { KernelState } from './KernelState.tsx';
import { kernelsQuery } from './queries.ts';

/** The kernels of your running environments here: what they do, what they take, and what can be done to them. Sleeping kernels are not listed. */
export function KernelsSection({ workspace, isAsleep }: { workspace: Workspace; isAsleep: boolean }) {
  const list = useListState();
  const kernels = useQuery(kernelsQuery(workspace));
  const act = useKernelAction(workspace);
  const [asked, setAsked] = useState<{ kernel: Kernel; action: KernelAction }>();
  const compute = computeProblem(workspace);
  const warning = asked === undefined ? undefined : kernelActionWarning(asked.action, asked.kernel);
  const columns: Column<Kernel>[] = [
    ...dataColumns(workspace, kernels.data ?? []),
    {
      key: 'actions',
      title: 'Actions',
      isTitleHidden: true,
      align: 'right',
      width: 88,
      renderCell: (kernel) => (
        <KernelActions
          kernel={kernel}
          computeProblem={compute}
          onAct={(action) => {
            act.reset();
            if (kernelActionWarning(action, kernel) === undefined) act.mutate({ kernel, action });
            else setAsked({ kernel, action });
          }}
        />
      ),
    },
  ];
  return (
    <Section title="Kernels" actions={<Together kernels={kernels.data ?? []} />}>
      <ErrorNote error={kernels.error} retry={() => void kernels.refetch()} />
      {asked === undefined && <ErrorNote error={act.error} />}
      {kernels.data?.length === 0 && isAsleep ? (
        <Text c="dimmed">Its kernels sleep with all their variables. They are listed here again when it wakes.</Text>
      ) : kernels.data?.length === 0 ? (
        <EmptyState
          title="No kernel runs"
          action={
            <ButtonLink {...links.notebooks(workspace)} variant="default">
              Go to Notebooks
            </ButtonLink>
          }
        >
          Open a notebook and run a cell: its kernel is listed here, with what it does and the memory it takes.
        </EmptyState>
      ) : (
        (kernels.data !== undefined || kernels.error === null) && (
          <DataTable
            label="Kernels"
            columns={columns}
            rows={kernels.data}
            keyOf={({ id }) => id}
            list={list}
            defaultSort={{ key: 'notebook' }}
          />
        )
      )}
      {asked !== undefined && warning !== undefined && (
        <ConfirmDialog
          title={`${warning.title}: ${nameOf(asked.kernel)}`}
          action={warning.action}
          isPending={act.isPending}
          error={act.error}
          onConfirm={() => act.mutate(asked, { onSuccess: () => setAsked(undefined) })}
          onClose={() => setAsked(undefined)}
        >
          <Text>{warning.lost}</Text>
          <Text mt="xs">{warning.kept}</Text>
        </ConfirmDialog>
      )}
    </Section>
  );
}

/** What a person knows a kernel by: its notebook, else the file it serves, else its language. */
function nameOf({ notebook, path, displayName }: Kernel): string {
  if (notebook === null) return path ?? displayName;
  return isPlaygroundPath(notebook) ? titleOf(notebook.split('/').at(-1) ?? notebook) : titleOf(notebook);
}

function dataColumns(workspace: Workspace, kernels: readonly Kernel[]): Column<Kernel>[] {
  const hasSeveral = new Set(kernels.map(({ environment }) => environment.id)).size > 1;
  return [
    {
      key: 'notebook',
      title: 'Notebook',
      sortBy: nameOf,
      renderCell: (kernel) => (
        <>
          <Serves kernel={kernel} workspace={workspace} />
          {kernel.death !== null && (
            <Text c={kernel.death.isOutOfMemory ? 'var(--warning)' : 'dimmed'} fz="sm">
              <When at={kernel.death.at} />: {kernel.death.reason}
            </Text>
          )}
        </>
      ),
      width: '36%',
    },
    {
      key: 'language',
      title: 'Language',
      sortBy: ({ language }) => language,
      renderCell: ({ language, displayName }) => <span title={displayName}>{languageTitle(language)}</span>,
      isSecondary: true,
    },
    ...(hasSeveral
      ? [
          {
            key: 'environment',
            title: 'Environment',
            sortBy: ({ environment }: Kernel) => environment.name,
            renderCell: ({ environment }: Kernel) => environment.name,
            isSecondary: true,
          },
        ]
      : []),
    {
      key: 'state',
      title: 'State',
      sortBy: ({ state }) => state,
      renderCell: (kernel) => <KernelState kernel={kernel} />,
    },
    {
      key: 'cpu',
      title: 'CPU',
      align: 'right',
      sortBy: ({ cpuCores }) => cpuCores,
      renderCell: ({ cpuCores }) => (cpuCores === null ? '–' : `${cpuCores.toFixed(1)} cores`),
      isSecondary: true,
    },
    {
      key: 'memory',
      title: 'Memory',
      align: 'right',
      sortBy: ({ memoryBytes }) => memoryBytes,
      renderCell: ({ memoryBytes }) => (memoryBytes === null ? '–' : formatBytes(memoryBytes)),
    },
    {
      key: 'activity',
      title: 'Last activity',
      sortBy: ({ lastActivityAt }) => lastActivityAt,
      renderCell: ({ lastActivityAt }) => <When at={lastActivityAt} />,
      isSecondary: true,
    },
  ];
}

function Serves({ kernel, workspace }: { kernel: Kernel; workspace: Workspace }) {
  const { notebook } = kernel;
  if (notebook === null)
    return (
      <Text span c="dimmed" fz="inherit" className={classes.name}>
        {nameOf(kernel)}
      </Text>
    );
  return (
    <span className={classes.serves}>
      <AnchorLink {...links.open(workspace, notebook)} className={classes.name} fw={600}>
        {nameOf(kernel)}
      </AnchorLink>
      {isPlaygroundPath(notebook) && <span className={classes.badge}>Playground</span>}
    </span>
  );
}

function Together({ kernels }: { kernels: readonly Kernel[] }) {
  if (kernels.length < 2) return null;
  const bytes = kernels.reduce((sum, { memoryBytes }) => sum + (memoryBytes ?? 0), 0);
  return (
    <Text c="dimmed" fz="sm">
      Together{' '}
      <Text span c="var(--mantine-color-text)" fw={600} fz="inherit">
        {formatBytes(bytes)}
      </Text>
    </Text>
  );
}
