import { Group, SegmentedControl, Select, Skeleton, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { EmptyState } from '../ui/EmptyState.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { formatMoney } from '../ui/formats.ts';
import { Section } from '../ui/Page.tsx';
import { spendQuery, type SpendGrouping } from './queries.ts';
import classes from './SpendSection.module.css';

const groupings: { value: SpendGrouping; label: string }[] = [
  { value: 'workspace', label: 'By workspace' },
  { value: 'user', label: 'By user' },
  { value: 'day', label: 'By day' },
];
const groupTitle: Record<SpendGrouping, string> = { workspace: 'Workspace', user: 'User', day: 'Day' };
const periods = [
  { value: '7', label: 'Last 7 days' },
  { value: '30', label: 'Last 30 days' },
  { value: '90', label: 'Last 90 days' },
];

/** What was spent in a period: Compute and Storage of each workspace, user or day. */
export function SpendSection({ project }: { project: string }) {
  const { by = 'workspace', days = 30 } = useSearch({ from: '/app/billing/$project' });
  const navigate = useNavigate();
  const spend = useQuery(spendQuery(project, by, days));
  const change = (part: { by?: SpendGrouping; days?: number }): void =>
    void navigate({
      to: '.',
      replace: true,
      resetScroll: false,
      search: (previous: object) => ({ ...previous, ...part }),
    });
  return (
    <Section
      title="Spend"
      actions={
        <>
          <SegmentedControl
            aria-label="Group spend"
            size="xs"
            data={groupings}
            value={by}
            onChange={(value) => change({ by: value })}
          />
          <Select
            aria-label="Period"
            w={136}
            data={periods}
            value={String(days)}
            allowDeselect={false}
            onChange={(value) => change({ days: Number(value ?? 30) })}
          />
        </>
      }
    >
      <ErrorNote error={spend.error} retry={() => void spend.refetch()} />
      {spend.data === undefined ? (
        spend.error === null && <Skeleton height={96} />
      ) : spend.data.rows.length === 0 ? (
        <EmptyState title="Nothing was spent in this period" />
      ) : (
        <Table.ScrollContainer minWidth={0} type="native">
          <Table aria-label="Spend" className={classes.spend}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{groupTitle[by]}</Table.Th>
                <Table.Th ta="right">Compute</Table.Th>
                <Table.Th ta="right">Storage</Table.Th>
                <Table.Th ta="right">Total</Table.Th>
                <Table.Th className={classes.share} aria-hidden />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {spend.data.rows.map((row) => (
                <Table.Tr key={row.group}>
                  <Table.Td>{row.group}</Table.Td>
                  <Table.Td ta="right">{formatMoney(row.compute, spend.data.currency)}</Table.Td>
                  <Table.Td ta="right">{formatMoney(row.storage, spend.data.currency)}</Table.Td>
                  <Table.Td ta="right">{formatMoney(row.total, spend.data.currency)}</Table.Td>
                  <Table.Td className={classes.share} aria-hidden>
                    <Share part={row.total} of={Math.max(...spend.data.rows.map(({ total }) => total))} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
            <Table.Tfoot>
              <Table.Tr>
                <Table.Th>Total</Table.Th>
                <Table.Td ta="right">{formatMoney(sum(spend.data.rows, 'compute'), spend.data.currency)}</Table.Td>
                <Table.Td ta="right">{formatMoney(sum(spend.data.rows, 'storage'), spend.data.currency)}</Table.Td>
                <Table.Td ta="right" fw={600}>
                  {formatMoney(spend.data.total, spend.data.currency)}
                </Table.Td>
                <Table.Td className={classes.share} aria-hidden />
              </Table.Tr>
            </Table.Tfoot>
          </Table>
        </Table.ScrollContainer>
      )}
      <Group mt="xs">
        <Text c="dimmed" fz="sm">
          Metered from the time environments ran and disks existed, at this installation’s prices.
        </Text>
      </Group>
    </Section>
  );
}

function Share({ part, of }: { part: number; of: number }) {
  return <div className={classes.bar} style={{ width: `${String(of === 0 ? 0 : (part / of) * 100)}%` }} />;
}

function sum(rows: readonly { compute: number; storage: number }[], key: 'compute' | 'storage'): number {
  return rows.reduce((total, row) => total + row[key], 0);
}
