import { Menu, Tooltip } from '@mantine/core';
import type { Icon } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { disabledBecause } from './Hint.tsx';

interface ReasonedMenuItemProps {
  Icon: Icon;
  /** Why it cannot be chosen now, as a sentence. */
  problem: string | undefined;
  isDangerous?: boolean;
  onClick: () => void;
  children: ReactNode;
}

/** An item of a menu that says why it cannot be chosen now. */
export function ReasonedMenuItem({ Icon, problem, isDangerous = false, onClick, children }: ReasonedMenuItemProps) {
  return (
    <Tooltip label={problem ?? ''} disabled={problem === undefined} position="left">
      <Menu.Item
        leftSection={<Icon size={16} aria-hidden />}
        c={isDangerous && problem === undefined ? 'var(--danger)' : undefined}
        {...disabledBecause(problem, onClick)}
      >
        {children}
      </Menu.Item>
    </Tooltip>
  );
}
