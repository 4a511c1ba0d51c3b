import { Text } from '@mantine/core';
import type { Disk } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { pricesQuery } from '../environments/queries.ts';
import { links } from '../links.ts';
import { DataTable, type Column } from '../ui/DataTable.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { formatPrice } from '../ui/formats.ts';
import { ButtonLink } from '../ui/links.tsx';
import { matches, useListState } from '../ui/list-search.ts';
import { Page } from '../ui/Page.tsx';
import { SearchInput } from '../ui/SearchInput.tsx';
import { Toolbar } from '../ui/Toolbar.tsx';
import { CopyDiskDialog } from './CopyDiskDialog.tsx';
import { DeleteDiskDialog } from './DeleteDiskDialog.tsx';
import { diskColumns } from './disk-columns.tsx';
import { DiskMenu, type DiskAction } from './DiskMenu.tsx';
import { GrowDiskDialog } from './GrowDiskDialog.tsx';
import { disksQuery } from './queries.ts';
import { RenameDiskDialog } from './RenameDiskDialog.tsx';
import { grouped } from './snapshots.ts';

interface Asked {
  readonly disk: Disk;
  readonly action: DiskAction;
}

export function DisksPage() {
  const list = useListState();
  const disks = useQuery(disksQuery);
  const prices = useQuery(pricesQuery);
  const [asked, setAsked] = useState<Asked>();
  const currency = prices.data?.currency;
  const existing = disks.data?.filter(({ status }) => status !== 'Deleted');
  const found = existing?.filter((disk) =>
    matches(
      list.query,
      disk.name,
      `${disk.workspace.namespace}/${disk.workspace.name}`,
      disk.kind === 'snapshot' ? `snapshot of ${disk.copyOf ?? ''}` : (disk.attachedTo?.name ?? 'detached'),
    ),
  );
  const groups = found === undefined ? undefined : grouped(found);
  const below = new Set(groups?.flatMap(({ snapshots }) => snapshots.map(({ id }) => id)));
  const columns: Column<Disk>[] = [
    ...diskColumns(currency, below),
    {
      key: 'actions',
      title: 'Actions',
      isTitleHidden: true,
      align: 'right',
      width: 48,
      renderCell: (disk) => <DiskMenu disk={disk} onAct={(action) => setAsked({ disk, action })} />,
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
          <Toolbar
            actions={
              existing !== undefined && currency !== undefined && <Together disks={existing} currency={currency} />
            }
          >
            <SearchInput list={list} label="Search disks" />
          </Toolbar>
          {groups?.length === 0 ? (
            <EmptyState title={`No disk matches "${list.query}"`} />
          ) : (
            <DataTable
              label="Disks"
              columns={columns}
              rows={groups?.map(({ disk }) => disk)}
              rowsBelow={(disk) => groups?.find((group) => group.disk.id === disk.id)?.snapshots ?? []}
              keyOf={({ id }) => id}
              list={list}
              defaultSort={{ key: 'created', isDescending: true }}
            />
          )}
        </>
      )}
      {asked !== undefined && <Dialog asked={asked} onClose={() => setAsked(undefined)} />}
    </Page>
  );
}

function Together({ disks, currency }: { disks: readonly Disk[]; currency: string }) {
  const perMonth = disks.reduce((sum, { pricePerMonth }) => sum + pricePerMonth, 0);
  return (
    <Text c="dimmed" fz="sm">
      Together{' '}
      <Text span c="var(--mantine-color-text)" fw={600} fz="inherit">
        {formatPrice(perMonth, currency)}
      </Text>{' '}
      per month
    </Text>
  );
}

function Dialog({ asked: { disk, action }, onClose }: { asked: Asked; onClose: () => void }) {
  switch (action) {
    case 'grow':
      return <GrowDiskDialog disk={disk} onClose={onClose} />;
    case 'rename':
      return <RenameDiskDialog disk={disk} onClose={onClose} />;
    case 'snapshot':
    case 'clone':
      return <CopyDiskDialog disk={disk} kind={action} onClose={onClose} />;
    case 'delete':
      return <DeleteDiskDialog disk={disk} onClose={onClose} />;
  }
}
