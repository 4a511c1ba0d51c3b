import { ActionIcon, Group, Menu, Tooltip } from '@mantine/core';
import type { NotebookSummary, Workspace } from '@terrarium/contract';
import { IconDotsVertical, IconEye } from '@tabler/icons-react';
import { Fragment } from 'react';
import { links } from '../links.ts';
import { DataTable, type Column } from '../ui/DataTable.tsx';
import { formatBytes } from '../ui/formats.ts';
import { AnchorLink, IconLink } from '../ui/links.tsx';
import type { ListState } from '../ui/list-search.ts';
import { When } from '../ui/When.tsx';
import { defaultMode, type NotebookAction, type Offer } from './modes.ts';
import { languageTitle, titleOf } from './names.ts';
import type { NotebookDialog } from './NotebookDialogs.tsx';
import { NotebookMenuItems } from './NotebookMenuItems.tsx';
import classes from './NotebooksPage.module.css';
import { Presence } from './Presence.tsx';

interface NotebookTableProps {
  workspace: Workspace;
  notebooks: readonly NotebookSummary[] | undefined;
  list: ListState;
  offers: Record<NotebookAction, Offer>;
  onPlayground: (path: string) => void;
  onDialog: (dialog: NotebookDialog) => void;
}

export function NotebookTable(props: NotebookTableProps) {
  const { workspace, notebooks, list } = props;
  const columns: Column<NotebookSummary>[] = [
    {
      key: 'name',
      title: 'Name',
      sortBy: ({ path }) => titleOf(path),
      renderCell: (notebook) => (
        <>
          <AnchorLink
            {...(defaultMode(workspace) === 'edit'
              ? links.open(workspace, notebook.path)
              : links.preview(workspace, notebook.path))}
            className={classes.title}
          >
            {titleOf(notebook.path)}
          </AnchorLink>
          <Presence notebook={notebook} />
        </>
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

const groups: readonly (readonly NotebookAction[])[] = [
  ['edit', 'playground', 'preview'],
  ['history', 'copy', 'copyToWorkspace', 'rename', 'download'],
  ['delete'],
];

function RowActions({
  workspace,
  offers,
  notebook,
  onDialog,
  onPlayground,
}: NotebookTableProps & { notebook: NotebookSummary }) {
  const { path } = notebook;
  const title = titleOf(path);
  return (
    <Group gap={4} justify="flex-end" wrap="nowrap">
      <Tooltip label="Preview (no compute)">
        <IconLink {...links.preview(workspace, path)} aria-label={`Preview ${title}`}>
          <IconEye size={16} />
        </IconLink>
      </Tooltip>
      <Menu width={248}>
        <Menu.Target>
          <ActionIcon aria-label={`Actions for ${title}`}>
            <IconDotsVertical size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {groups.map((actions, index) => (
            <Fragment key={actions[0]}>
              {index > 0 && <Menu.Divider />}
              <NotebookMenuItems
                workspace={workspace}
                path={path}
                offers={offers}
                actions={actions}
                onAct={(act) => (act === 'playground' ? onPlayground(path) : onDialog({ kind: act, notebook }))}
              />
            </Fragment>
          ))}
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}
