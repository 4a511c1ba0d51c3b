import { ActionIcon, Group, Menu, Tooltip } from '@mantine/core';
import { endpoints, endpointUrl, type NotebookSummary, type Workspace } from '@terrarium/contract';
import {
  IconCopy,
  IconCursorText,
  IconDotsVertical,
  IconDownload,
  IconEye,
  IconExternalLink,
  IconHistory,
  IconTrash,
} from '@tabler/icons-react';
import { links } from '../links.ts';
import { DataTable, type Column } from '../ui/DataTable.tsx';
import { formatBytes } from '../ui/formats.ts';
import { disabledBecause } from '../ui/Hint.tsx';
import { AnchorLink, IconLink, MenuLink } from '../ui/links.tsx';
import type { ListState } from '../ui/list-search.ts';
import { When } from '../ui/When.tsx';
import { writeProblem } from '../workspaces/permissions.ts';
import { languageTitle, titleOf } from './names.ts';
import type { NotebookDialog } from './NotebookDialogs.tsx';
import classes from './NotebooksPage.module.css';

interface NotebookTableProps {
  workspace: Workspace;
  notebooks: readonly NotebookSummary[] | undefined;
  list: ListState;
  onDialog: (dialog: NotebookDialog) => void;
}

export function NotebookTable(props: NotebookTableProps) {
  const { workspace, notebooks, list } = props;
  const columns: Column<NotebookSummary>[] = [
    {
      key: 'name',
      title: 'Name',
      sortBy: ({ path }) => titleOf(path),
      renderCell: ({ path }) => (
        <AnchorLink {...links.open(workspace, path)} className={classes.title}>
          {titleOf(path)}
        </AnchorLink>
      ),
    },
    {
      key: 'language',
      title: 'Language',
      sortBy: ({ language }) => language,
      renderCell: ({ language }) =>
        language === null ? null : <span className={classes.badge}>{languageTitle(language)}</span>,
      width: 120,
    },
    {
      key: 'size',
      title: 'Size',
      align: 'right',
      sortBy: ({ size }) => size,
      renderCell: ({ size }) => formatBytes(size),
      width: 120,
      isSecondary: true,
    },
    {
      key: 'updated',
      title: 'Modified',
      sortBy: ({ updatedAt }) => updatedAt,
      renderCell: ({ updatedAt }) => <When at={updatedAt} />,
      width: 160,
      isSecondary: true,
    },
    {
      key: 'actions',
      title: 'Actions',
      isTitleHidden: true,
      align: 'right',
      width: 88,
      renderCell: (notebook) => <RowActions {...props} notebook={notebook} />,
    },
  ];
  return (
    <DataTable
      label="Notebooks"
      columns={columns}
      rows={notebooks}
      keyOf={({ path }) => path}
      list={list}
      defaultSort={{ key: 'updated', isDescending: true }}
    />
  );
}

function RowActions({ workspace, notebook, onDialog }: NotebookTableProps & { notebook: NotebookSummary }) {
  const { path } = notebook;
  const { namespace, name } = workspace;
  const title = titleOf(path);
  const problem = writeProblem(workspace);
  const ask = (kind: NotebookDialog['kind']) => disabledBecause(problem, () => onDialog({ kind, notebook }));
  return (
    <Group gap={4} justify="flex-end" wrap="nowrap">
      <Tooltip label="Preview (no compute)">
        <IconLink {...links.preview(workspace, path)} aria-label={`Preview ${title}`}>
          <IconEye size={16} />
        </IconLink>
      </Tooltip>
      <Menu width={200}>
        <Menu.Target>
          <ActionIcon aria-label={`Actions for ${title}`}>
            <IconDotsVertical size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <MenuLink {...links.open(workspace, path)} leftSection={<IconExternalLink size={16} aria-hidden />}>
            Open
          </MenuLink>
          <MenuLink {...links.preview(workspace, path)} leftSection={<IconEye size={16} aria-hidden />}>
            Preview
          </MenuLink>
          <MenuLink {...links.history(workspace, path)} leftSection={<IconHistory size={16} aria-hidden />}>
            History
          </MenuLink>
          <Menu.Item leftSection={<IconCopy size={16} aria-hidden />} {...ask('copy')}>
            Copy…
          </Menu.Item>
          <Menu.Item leftSection={<IconCursorText size={16} aria-hidden />} {...ask('rename')}>
            Rename…
          </Menu.Item>
          <Menu.Item
            component="a"
            href={endpointUrl(endpoints.getNotebookContent, { namespace, name, path })}
            download={path.split('/').at(-1)}
            leftSection={<IconDownload size={16} aria-hidden />}
          >
            Download
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item c="var(--danger)" leftSection={<IconTrash size={16} aria-hidden />} {...ask('delete')}>
            Delete…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}
