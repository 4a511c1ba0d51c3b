import { ActionIcon, Stack, Text, Tooltip } from '@mantine/core';
import { diskDeleteProblem, type Disk } from '@terrarium/contract';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { api } from '../api.ts';
import { pricesQuery } from '../environments/queries.ts';
import { links } from '../links.ts';
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx';
import { DataTable, type Column } from '../ui/DataTable.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { formatBytes, formatPrice } from '../ui/formats.ts';
import { disabledBecause } from '../ui/Hint.tsx';
import { AnchorLink, ButtonLink } from '../ui/links.tsx';
import { matches, useListState } from '../ui/list-search.ts';
import { Page } from '../ui/Page.tsx';
import { SearchInput } from '../ui/SearchInput.tsx';
import { Toolbar } from '../ui/Toolbar.tsx';
import { When } from '../ui/When.tsx';
import { disksQuery } from './queries.ts';

function dataColumns(currency: string | undefined): Column<Disk>[] {
  return [
    {
      key: 'name',
      title: 'Disk',
      sortBy: (disk) => disk.name,
      renderCell: (disk) => <Text fw={600}>{disk.name}</Text>,
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
      sortBy: (disk) => disk.status,
      renderCell: (disk) => (
        <>
          {disk.status}
          {disk.reason !== null && (
            <Text c={disk.status === 'Failed' ? 'var(--danger)' : 'dimmed'} fz="sm">
              {disk.reason}
            </Text>
          )}
        </>
      ),
    },
    {
      key: 'attached',
      title: 'Attached to',
      sortBy: (disk) => disk.attachedTo?.name ?? null,
      renderCell: (disk) =>
        disk.attachedTo === null ? (
          <Text c="dimmed">Detached</Text>
        ) : (
          <AnchorLink {...links.environment(disk.workspace)} c="inherit">
            {disk.attachedTo.name}
          </AnchorLink>
        ),
      isSecondary: true,
    },
    {
      key: 'used',
      title: 'Used',
      align: 'right',
      sortBy: (disk) => disk.usedBytes,
      renderCell: (disk) =>
        disk.usedBytes === null ? <Text c="dimmed">not measured</Text> : formatBytes(disk.usedBytes),
      isSecondary: true,
    },
    {
      key: 'size',
      title: 'Size',
      align: 'right',
      sortBy: (disk) => disk.sizeGiB,
      renderCell: (disk) => `${String(disk.sizeGiB)} GiB`,
    },
    {
      key: 'price',
      title: 'Per month',
      align: 'right',
      sortBy: (disk) => disk.pricePerMonth,
      renderCell: (disk) => (currency === undefined ? '–' : formatPrice(disk.pricePerMonth, currency)),
    },
    {
      key: 'created',
      title: 'Created',
      sortBy: (disk) => disk.createdAt,
      renderCell: (disk) => <When at={disk.createdAt} />,
      isSecondary: true,
    },
  ];
}

export function DisksPage() {
  const list = useListState();
  const disks = useQuery(disksQuery);
  const prices = useQuery(pricesQuery);
  const [deleted, setDeleted] = useState<Disk>();
  const currency = prices.data?.currency;
  const existing = disks.data?.filter(({ status }) => status !== 'Deleted');
  const rows = existing?.filter((disk) =>
    matches(
      list.query,
      disk.name,
      `${disk.workspace.namespace}/${disk.workspace.name}`,
      disk.attachedTo?.name ?? 'detached',
    ),
  );
  const columns: Column<Disk>[] = [
    ...dataColumns(currency),
    {
      key: 'actions',
      title: 'Actions',
      isTitleHidden: true,
      align: 'right',
      width: 48,
      renderCell: (disk) => {
        const problem = diskDeleteProblem(disk);
        return (
          <Tooltip label={problem ?? 'Delete…'}>
            <ActionIcon aria-label={`Delete ${disk.name}`} {...disabledBecause(problem, () => setDeleted(disk))}>
              <IconTrash size={16} />
            </ActionIcon>
          </Tooltip>
        );
      },
    },
  ];
  return (
    <Page
      title="Disks"
      lead="Your persistent disks in all workspaces. A disk costs its price per month whether or not something uses it."
    >
      {disks.error !== null && existing === undefined ? (
        <ErrorNote error={disks.error} retry={() => void disks.refetch()} />
      ) : existing?.length === 0 ? (
        <EmptyState
          title="No disks"
          action={
            <ButtonLink {...links.workspaces()} variant="default">
              Go to workspaces
            </ButtonLink>
          }
        >
          A disk is created together with a Cloud Environment, and outlives it.
        </EmptyState>
      ) : (
        <>
          <Toolbar>
            <SearchInput list={list} label="Search disks" />
          </Toolbar>
          {rows?.length === 0 ? (
            <EmptyState title={`No disk matches "${list.query}"`} />
          ) : (
            <DataTable
              label="Disks"
              columns={columns}
              rows={rows}
              keyOf={({ id }) => id}
              list={list}
              defaultSort={{ key: 'created', isDescending: true }}
            />
          )}
        </>
      )}
      {deleted !== undefined && <DeleteDiskDialog disk={deleted} onClose={() => setDeleted(undefined)} />}
    </Page>
  );
}

function DeleteDiskDialog({ disk, onClose }: { disk: Disk; onClose: () => void }) {
  const queryClient = useQueryClient();
  const remove = useMutation({
    mutationFn: () => api.deleteDisk({ params: { id: disk.id } }),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['disks'] });
      onClose();
    },
  });
  return (
    <ConfirmDialog
      title={`Delete disk "${disk.name}"?`}
      action="Delete disk"
      typed={disk.name}
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <Stack gap="xs">
        <Text>
          <b>Lost:</b> everything on it{disk.usedBytes === null ? '' : ` (${formatBytes(disk.usedBytes)})`}: files,
          installed packages, outputs. This cannot be undone.
        </Text>
        <Text>
          <b>Kept:</b> the notebooks and files in the bucket of {disk.workspace.namespace}/{disk.workspace.name}.
        </Text>
      </Stack>
    </ConfirmDialog>
  );
}
