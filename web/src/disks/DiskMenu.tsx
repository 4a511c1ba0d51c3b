import { ActionIcon, Menu } from '@mantine/core';
import { diskDeleteProblem, type Disk } from '@terrarium/contract';
import {
  IconArrowsMaximize,
  IconCamera,
  IconCopy,
  IconDots,
  IconPencil,
  IconPlayerPlay,
  IconTrash,
  type Icon,
} from '@tabler/icons-react';
import { isAttachable } from '../environments/form-facts.ts';
import { links } from '../links.ts';
import { MenuLink } from '../ui/links.tsx';
import { ReasonedMenuItem } from '../ui/ReasonedMenuItem.tsx';

export type DiskAction = 'grow' | 'rename' | 'snapshot' | 'clone' | 'delete';

const actions: Record<DiskAction, { title: string; Icon: Icon }> = {
  grow: { title: 'Grow…', Icon: IconArrowsMaximize },
  rename: { title: 'Rename…', Icon: IconPencil },
  snapshot: { title: 'Take a snapshot…', Icon: IconCamera },
  clone: { title: 'Copy to a new disk…', Icon: IconCopy },
  delete: { title: 'Delete…', Icon: IconTrash },
};

/** What can be done to a disk, or to a snapshot of one. */
export function DiskMenu({ disk, onAct }: { disk: Disk; onAct: (action: DiskAction) => void }) {
  const offered: DiskAction[] =
    disk.kind === 'snapshot' ? ['clone', 'rename'] : ['grow', 'snapshot', 'clone', 'rename'];
  return (
    <Menu width={240}>
      <Menu.Target>
        <ActionIcon aria-label={`Actions for ${disk.name}`}>
          <IconDots size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {isAttachable(disk) && (
          <MenuLink
            {...links.environment(disk.workspace, { view: 'new', disk: disk.name })}
            leftSection={<IconPlayerPlay size={16} aria-hidden />}
          >
            New environment with it
          </MenuLink>
        )}
        {offered.map((action) => (
          <Item key={action} action={action} disk={disk} onAct={onAct} />
        ))}
        <Menu.Divider />
        <Item action="delete" disk={disk} onAct={onAct} />
      </Menu.Dropdown>
    </Menu>
  );
}

interface ItemProps {
  action: DiskAction;
  disk: Disk;
  onAct: (action: DiskAction) => void;
}

function Item({ action, disk, onAct }: ItemProps) {
  const { title, Icon } = actions[action];
  return (
    <ReasonedMenuItem
      Icon={Icon}
      problem={diskActionProblem(disk, action)}
      isDangerous={action === 'delete'}
      onClick={() => onAct(action)}
    >
      {title}
    </ReasonedMenuItem>
  );
}

function diskActionProblem(disk: Disk, action: DiskAction): string | undefined {
  if (action === 'delete') return diskDeleteProblem(disk);
  const what = disk.kind === 'snapshot' ? 'snapshot' : 'disk';
  switch (disk.status) {
    case 'Ready':
      return undefined;
    case 'Creating':
      return `The ${what} is still being made.`;
    case 'Failed':
      return `The ${what} could not be made: it holds nothing. Delete it.`;
    case 'Deleting':
    case 'Deleted':
      return `The ${what} is being deleted.`;
  }
}
