import { Skeleton, Table, UnstyledButton } from '@mantine/core';
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import classes from './DataTable.module.css';
import type { ListState } from './list-search.ts';

export interface Column<Row> {
  readonly key: string;
  /** Heading; for a column of buttons it is read out, not shown. */
  readonly title: string;
  readonly isTitleHidden?: boolean;
  /** Makes the column sortable by this value; null sorts last. */
  readonly sortBy?: (row: Row) => string | number | null;
  readonly renderCell: (row: Row) => ReactNode;
  readonly align?: 'right';
  readonly width?: number | string;
  /** Left out on a phone. */
  readonly isSecondary?: boolean;
}

interface DataTableProps<Row> {
  /** What the table lists, for assistive technology: "Notebooks". */
  label: string;
  columns: readonly Column<Row>[];
  /** Undefined while loading: a skeleton is shown. */
  rows: readonly Row[] | undefined;
  /** Rows that belong below a row, wherever that is sorted to, in their own order. */
  rowsBelow?: (row: Row) => readonly Row[];
  keyOf: (row: Row) => string;
  list: ListState;
  defaultSort: { key: string; isDescending?: boolean };
}

/** A sortable list. Search and the empty state belong to the page. */
export function DataTable<Row>({ label, columns, rows, rowsBelow, keyOf, list, defaultSort }: DataTableProps<Row>) {
  const sort =
    list.sort === undefined
      ? { key: defaultSort.key, isDescending: defaultSort.isDescending ?? false }
      : { key: list.sort, isDescending: list.isDescending };
  return (
    <Table.ScrollContainer minWidth={0} type="native">
      <Table aria-label={label} aria-busy={rows === undefined} className={classes.table}>
        <Table.Thead>
          <Table.Tr>
            {columns.map((column) => (
              <Heading key={column.key} column={column} sort={sort} setSort={list.setSort} />
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows === undefined
            ? [0, 1, 2, 3].map((row) => (
                <Table.Tr key={row} aria-hidden>
                  {columns.map((column) => (
                    <Table.Td key={column.key} {...placing(column)}>
                      <Skeleton height={12} my={4} width={column.isTitleHidden === true ? 24 : '60%'} />
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))
            : sorted(rows, columns, sort)
                .flatMap((row) => [row, ...(rowsBelow?.(row) ?? [])])
                .map((row) => (
                  <Table.Tr key={keyOf(row)}>
                    {columns.map((column) => (
                      <Table.Td key={column.key} {...placing(column)}>
                        {column.renderCell(row)}
                      </Table.Td>
                    ))}
                  </Table.Tr>
                ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

interface Sort {
  key: string;
  isDescending: boolean;
}

function Heading<Row>({
  column,
  sort,
  setSort,
}: {
  column: Column<Row>;
  sort: Sort;
  setSort: (key: string, isDescending: boolean) => void;
}) {
  const place = { ...placing(column), w: column.width };
  if (column.isTitleHidden === true)
    return (
      <Table.Th {...place}>
        <span className={classes.hidden}>{column.title}</span>
      </Table.Th>
    );
  if (column.sortBy === undefined) return <Table.Th {...place}>{column.title}</Table.Th>;
  const isSorted = sort.key === column.key;
  const Arrow = sort.isDescending ? IconArrowDown : IconArrowUp;
  return (
    <Table.Th {...place} aria-sort={isSorted ? (sort.isDescending ? 'descending' : 'ascending') : 'none'}>
      <UnstyledButton
        className={classes.sort}
        data-sorted={isSorted || undefined}
        onClick={() => setSort(column.key, isSorted && !sort.isDescending)}
      >
        {column.title}
        <Arrow size={12} aria-hidden className={classes.arrow} />
      </UnstyledButton>
    </Table.Th>
  );
}

function placing<Row>(column: Column<Row>): { 'data-align'?: string; 'data-secondary'?: boolean } {
  return {
    ...(column.align === undefined ? {} : { 'data-align': column.align }),
    ...(column.isSecondary === true ? { 'data-secondary': true } : {}),
  };
}

function sorted<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sort: Sort): Row[] {
  const value = columns.find((column) => column.key === sort.key)?.sortBy;
  if (value === undefined) return [...rows];
  const sign = sort.isDescending ? -1 : 1;
  return rows.toSorted((left, right) => {
    const a = value(left);
    const b = value(right);
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    if (typeof a === 'string' && typeof b === 'string')
      return sign * a.localeCompare(b, undefined, { numeric: true, sensitivity: 'base' });
    return sign * (Number(a) - Number(b));
  });
}
