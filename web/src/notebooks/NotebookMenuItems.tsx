import { Menu, Tooltip } from '@mantine/core';
import { endpoints, endpointUrl, type Workspace } from '@terrarium/contract';
import {
  IconCopy,
  IconCursorText,
  IconDownload,
  IconEye,
  IconFlask,
  IconFolderShare,
  IconHistory,
  IconPencil,
  IconTrash,
  type Icon,
} from '@tabler/icons-react';
import type { ReactElement } from 'react';
import { links } from '../links.ts';
import { disabledBecause } from '../ui/Hint.tsx';
import { MenuLink } from '../ui/links.tsx';
import { notebookActionTitle, type NotebookAction, type Offer } from './modes.ts';

export const notebookActionIcons: Record<NotebookAction, Icon> = {
  edit: IconPencil,
  playground: IconFlask,
  preview: IconEye,
  history: IconHistory,
  copy: IconCopy,
  copyToWorkspace: IconFolderShare,
  rename: IconCursorText,
  download: IconDownload,
  delete: IconTrash,
};

/** The actions that are not links: they ask or make something first. */
export type NotebookAct = Exclude<NotebookAction, 'edit' | 'preview' | 'history' | 'download'>;

interface NotebookMenuItemsProps {
  workspace: Workspace;
  path: string;
  offers: Record<NotebookAction, Offer>;
  actions: readonly NotebookAction[];
  onAct: (action: NotebookAct) => void;
}

/** Menu items for a notebook: what cannot be done is there too and says why. */
export function NotebookMenuItems({ actions, offers, ...rest }: NotebookMenuItemsProps) {
  return actions.map((action) => {
    const { problem, hint } = offers[action];
    const label = problem ?? hint;
    return (
      <Tooltip key={action} label={label ?? ''} disabled={label === undefined} position="left" openDelay={600}>
        {item({ ...rest, action, problem })}
      </Tooltip>
    );
  });
}

function item(
  props: Omit<NotebookMenuItemsProps, 'actions' | 'offers'> & { action: NotebookAction; problem: string | undefined },
): ReactElement<object> {
  const { workspace, path, action, problem, onAct } = props;
  const ActionIcon = notebookActionIcons[action];
  const icon = <ActionIcon size={16} aria-hidden />;
  const title = notebookActionTitle[action];
  if (problem !== undefined)
    return (
      <Menu.Item leftSection={icon} {...disabledBecause(problem, () => undefined)}>
        {title}
      </Menu.Item>
    );
  switch (action) {
    case 'edit':
      return (
        <MenuLink {...links.open(workspace, path)} leftSection={icon}>
          {title}
        </MenuLink>
      );
    case 'preview':
      return (
        <MenuLink {...links.preview(workspace, path)} leftSection={icon}>
          {title}
        </MenuLink>
      );
    case 'history':
      return (
        <MenuLink {...links.history(workspace, path)} leftSection={icon}>
          {title}
        </MenuLink>
      );
    case 'download':
      return (
        <Menu.Item
          component="a"
          href={endpointUrl(endpoints.getNotebookContent, {
            namespace: workspace.namespace,
            name: workspace.name,
            path,
          })}
          download={path.split('/').at(-1)}
          leftSection={icon}
        >
          {title}
        </Menu.Item>
      );
    case 'delete':
      return (
        <Menu.Item c="var(--danger)" leftSection={icon} onClick={() => onAct(action)}>
          {title}
        </Menu.Item>
      );
    case 'playground':
    case 'copy':
    case 'copyToWorkspace':
    case 'rename':
      return (
        <Menu.Item leftSection={icon} onClick={() => onAct(action)}>
          {title}
        </Menu.Item>
      );
  }
}
