import { ActionIcon, Group, Menu, Tooltip } from '@mantine/core';
import type { Kernel } from '@terrarium/contract';
import {
  IconDotsVertical,
  IconPlayerStop,
  IconPlayerTrackNext,
  IconPower,
  IconRefresh,
  type Icon,
} from '@tabler/icons-react';
import { titleOf } from '../notebooks/names.ts';
import { disabledBecause } from '../ui/Hint.tsx';
import { ReasonedMenuItem } from '../ui/ReasonedMenuItem.tsx';
import { kernelActionProblem, kernelActions, kernelActionTitle, type KernelAction } from './kernel-actions.ts';

const icons: Record<KernelAction, Icon> = {
  interrupt: IconPlayerStop,
  restart: IconRefresh,
  restartAndRunAll: IconPlayerTrackNext,
  shutDown: IconPower,
};

interface KernelActionsProps {
  kernel: Kernel;
  computeProblem: string | undefined;
  onAct: (action: KernelAction) => void;
}

export function KernelActions({ kernel, computeProblem, onAct }: KernelActionsProps) {
  const name = kernel.notebook === null ? (kernel.path ?? kernel.displayName) : titleOf(kernel.notebook);
  const problemOf = (action: KernelAction) => kernelActionProblem(action, kernel, computeProblem);
  const interrupt = problemOf('interrupt');
  return (
    <Group gap={4} justify="flex-end" wrap="nowrap">
      <Tooltip label={interrupt ?? 'Interrupt'}>
        <ActionIcon aria-label={`Interrupt ${name}`} {...disabledBecause(interrupt, () => onAct('interrupt'))}>
          <IconPlayerStop size={16} />
        </ActionIcon>
      </Tooltip>
      <Menu width={208}>
        <Menu.Target>
          <ActionIcon aria-label={`Actions for kernel ${name}`}>
            <IconDotsVertical size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {kernelActions.map((action) => (
            <ReasonedMenuItem
              key={action}
              Icon={icons[action]}
              problem={problemOf(action)}
              isDangerous={action === 'shutDown'}
              onClick={() => onAct(action)}
            >
              {kernelActionTitle[action]}
            </ReasonedMenuItem>
          ))}
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}
