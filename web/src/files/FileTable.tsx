import { ActionIcon, Group, Tooltip } from '@mantine/core';
import { endpoints, endpointUrl, type Workspace } from '@terrarium/contract';
import { IconDownload, IconFile, IconFolder, IconTrash } from '@tabler/icons-react';
import { links } from '../links.ts';
import { DataTable, type Column } from '../ui/DataTable.tsx';
import { formatBytes } from '../ui/formats.ts';
import { disabledBecause } from '../ui/Hint.tsx';
import { AnchorLink } from '../ui/links.tsx';
import type { ListState } from '../ui/list-search.ts';
import { When } from '../ui/When.tsx';
import { writeProblem } from '../workspaces/permissions.ts';
import type { Entry } from './entry.ts';
import classes from './FilesPage.module.css';

interface FileTableProps {
  workspace: Workspace;
  entries: readonly Entry[] | undefined;
  list: ListState;
  onDelete: (entry: Entry) => void;
}

export function FileTable({ workspace, entries, list, onDelete }: FileTableProps) {
  const { namespace, name } = workspace;
  const problem = writeProblem(workspace);
  const urlOf = (key: string): string => endpointUrl(endpoints.getObject, { namespace, name, key });
  const columns: Column<Entry>[] = [
    {
      key: 'name',
      title: 'Name',
      // Folders stay together: first when ascending.
      sortBy: (entry) => `${entry.kind === 'folder' ? '0' : '1'}${entry.name}`,
      renderCell: (entry) =>
        entry.kind === 'folder' ? (
          <AnchorLink {...links.files(workspace, entry.key)} activeProps={{}} className={classes.entry}>
            <IconFolder size={16} aria-hidden />
            {entry.name}
          </AnchorLink>
        ) : (
          <span className={classes.entry}>
            <IconFile size={16} aria-hidden />
            {entry.name}
          </span>
        ),
    },
    {
      key: 'type',
      title: 'Type',
      sortBy: (entry) => (entry.kind === 'folder' ? null : entry.object.contentType),
      renderCell: (entry) => (entry.kind === 'folder' ? 'Folder' : entry.object.contentType),
      isSecondary: true,
    },
    {
      key: 'size',
      title: 'Size',
      align: 'right',
      sortBy: (entry) => (entry.kind === 'folder' ? null : entry.object.size),
      renderCell: (entry) => (entry.kind === 'folder' ? '' : formatBytes(entry.object.size)),
    },
    {
      key: 'updated',
      title: 'Modified',
      sortBy: (entry) => (entry.kind === 'folder' ? null : entry.object.updatedAt),
      renderCell: (entry) => (entry.kind === 'folder' ? '' : <When at={entry.object.updatedAt} />),
      isSecondary: true,
    },
    {
      key: 'actions',
      title: 'Actions',
      isTitleHidden: true,
      align: 'right',
      width: 88,
      renderCell: (entry) => (
        <Group gap={4} justify="flex-end" wrap="nowrap">
          {entry.kind === 'object' && (
            <Tooltip label="Download">
              <ActionIcon
                component="a"
                href={urlOf(entry.key)}
                download={entry.name}
                aria-label={`Download ${entry.name}`}
              >
                <IconDownload size={16} />
              </ActionIcon>
            </Tooltip>
          )}
          <Tooltip label={problem ?? 'Delete…'}>
            <ActionIcon aria-label={`Delete ${entry.name}`} {...disabledBecause(problem, () => onDelete(entry))}>
              <IconTrash size={16} />
            </ActionIcon>
          </Tooltip>
        </Group>
      ),
    },
  ];
  return (
    <DataTable
      label="Files"
      columns={columns}
      rows={entries}
      keyOf={(entry) => entry.key}
      list={list}
      defaultSort={{ key: 'name' }}
    />
  );
}
