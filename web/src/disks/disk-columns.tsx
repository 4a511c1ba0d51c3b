import { Text } from '@mantine/core';
import type { Disk } from '@terrarium/contract';
import { IconCamera } from '@tabler/icons-react';
import { links } from '../links.ts';
import type { Column } from '../ui/DataTable.tsx';
import { formatBytes, formatPrice } from '../ui/formats.ts';
import { AnchorLink } from '../ui/links.tsx';
import { When } from '../ui/When.tsx';
import { WorkspaceLink } from '../workspaces/WorkspaceLink.tsx';
import classes from './DisksPage.module.css';

/**
 * What the list of disks says of each.
 * @param below  ids of the snapshots that stand below their disk
 */
export function diskColumns(currency: string | undefined, below: ReadonlySet<string>): Column<Disk>[] {
  return [
    {
      key: 'name',
      title: 'Disk',
      sortBy: (disk) => disk.name,
      renderCell: (disk) => <Name disk={disk} isBelow={below.has(disk.id)} />,
      width: '20%',
    },
    {
      key: 'workspace',
      title: 'Workspace',
      sortBy: ({ workspace }) => `${workspace.namespace}/${workspace.name}`,
      renderCell: ({ workspace }) => <WorkspaceLink workspace={workspace} />,
      isSecondary: true,
    },
    {
      key: 'status',
      title: 'Status',
      sortBy: (disk) => disk.status,
      renderCell: (disk) => <Status disk={disk} />,
      width: '16%',
    },
    {
      key: 'attached',
      title: 'Attached to',
      sortBy: (disk) => disk.attachedTo?.name ?? null,
      renderCell: (disk) => <Attached disk={disk} />,
      isSecondary: true,
    },
    {
      key: 'used',
      title: 'Used',
      align: 'right',
      sortBy: (disk) => disk.usedBytes,
      renderCell: (disk) =>
        disk.usedBytes === null ? <span title="Not measured yet">–</span> : formatBytes(disk.usedBytes),
      isSecondary: true,
    },
    {
      key: 'size',
      title: 'Size',
      align: 'right',
      sortBy: (disk) => disk.sizeGiB,
      renderCell: ({ sizeGiB, growsToGiB }) =>
        growsToGiB === null ? `${String(sizeGiB)} GiB` : `${String(sizeGiB)} → ${String(growsToGiB)} GiB`,
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

function Name({ disk, isBelow }: { disk: Disk; isBelow: boolean }) {
  const { kind, name, copyOf } = disk;
  if (kind === 'snapshot')
    return (
      <span className={classes.snapshot} data-below={isBelow || undefined}>
        <IconCamera size={14} aria-hidden />
        <span>
          {name}
          <Text c="dimmed" fz="sm">
            {isBelow || copyOf === null ? 'Snapshot' : `Snapshot of ${copyOf}`}
          </Text>
        </span>
      </span>
    );
  return (
    <>
      <Text fw={600}>{name}</Text>
      {copyOf !== null && (
        <Text c="dimmed" fz="sm">
          Copy of {copyOf}
        </Text>
      )}
    </>
  );
}

function Status({ disk: { status, reason } }: { disk: Disk }) {
  return (
    <>
      {status}
      {reason !== null && (
        <Text c={status === 'Failed' ? 'var(--danger)' : 'dimmed'} fz="sm">
          {reason}
        </Text>
      )}
    </>
  );
}

function Attached({ disk: { kind, attachedTo, workspace } }: { disk: Disk }) {
  if (kind === 'snapshot') return <Text c="dimmed">–</Text>;
  if (attachedTo === null) return <Text c="dimmed">Detached</Text>;
  return (
    <AnchorLink {...links.environment(workspace, { environment: attachedTo.name })} c="inherit">
      {attachedTo.name}
    </AnchorLink>
  );
}
