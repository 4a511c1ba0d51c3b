import { Text } from '@mantine/core';
import { environmentStatusWord, type Environment } from '@terrarium/contract';
import type { Column } from '../ui/DataTable.tsx';
import { formatMoney, formatPrice } from '../ui/formats.ts';
import { When } from '../ui/When.tsx';
import { WorkspaceLink } from '../workspaces/WorkspaceLink.tsx';
import { shapeText } from './shape.ts';
import { StatusWord } from './StatusWord.tsx';

/** The columns that every list of environments has, to be put together by the list. */
export const environmentColumns = {
  workspace: {
    key: 'workspace',
    title: 'Workspace',
    sortBy: ({ workspace }) => `${workspace.namespace}/${workspace.name}`,
    renderCell: ({ workspace }) => <WorkspaceLink workspace={workspace} />,
    isSecondary: true,
  },
  status: {
    key: 'status',
    title: 'Status',
    sortBy: ({ status }) => environmentStatusWord[status],
    renderCell: ({ status, reason }) => (
      <>
        <StatusWord status={status} />
        {status === 'Error' && reason !== null && (
          <Text c="var(--danger)" fz="sm">
            {reason}
          </Text>
        )}
      </>
    ),
  },
  shape: {
    key: 'shape',
    title: 'Shape',
    sortBy: ({ cpus }) => cpus,
    renderCell: (environment) => shapeText(environment),
    isSecondary: true,
  },
  activity: {
    key: 'activity',
    title: 'Last activity',
    sortBy: ({ lastActivityAt }) => lastActivityAt,
    renderCell: ({ lastActivityAt }) => (lastActivityAt === null ? '–' : <When at={lastActivityAt} />),
    isSecondary: true,
  },
  price: {
    key: 'price',
    title: 'Now',
    align: 'right',
    sortBy: ({ cost }) => cost.perHourNow,
    renderCell: ({ cost }) => `${formatPrice(cost.perHourNow, cost.currency)}/h`,
  },
  soFar: {
    key: 'soFar',
    title: 'So far',
    align: 'right',
    sortBy: ({ cost }) => cost.soFar,
    renderCell: ({ cost }) => formatMoney(cost.soFar, cost.currency),
    isSecondary: true,
  },
} as const satisfies Record<string, Column<Environment>>;
