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
          {kernelActions.map((action) => {
            const Icon = icons[action];
            const problem = problemOf(action);
            return (
              <Tooltip key={action} label={problem ?? ''} disabled={problem === undefined} position="left">
                <Menu.Item
                  leftSection={<Icon size={16} aria-hidden />}
                  c={action === 'shutDown' && problem === undefined ? 'var(--danger)' : undefined}
                  {...disabledBecause(problem, () => onAct(action))}
                >
                  {kernelActionTitle[action]}
                </Menu.Item>
              </Tooltip>
            );
          })}
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}
