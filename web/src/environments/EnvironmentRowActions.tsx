import { ActionIcon, Group, Menu, Tooltip } from '@mantine/core';
import { type Environment, environmentActionProblem, mainAction, stopWord } from '@terrarium/contract';
import {
  IconDots,
  IconMoon,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerStop,
  IconTrash,
  type Icon,
} from '@tabler/icons-react';
import { disabledBecause } from '../ui/Hint.tsx';
import { ReasonedMenuItem } from '../ui/ReasonedMenuItem.tsx';
import type { EnvironmentCommand } from './actions.ts';

interface EnvironmentRowActionsProps {
  environment: Environment;
  onCommand: (command: EnvironmentCommand) => void;
  onDelete: () => void;
}

/** In a list of one's own environments: what is most likely done at once, the rest in a menu. */
export function EnvironmentRowActions({ environment, onCommand, onDelete }: EnvironmentRowActionsProps) {
  const { status, name } = environment;
  const { command, word, problem } = mainAction(status);
  const deleteProblem = environmentActionProblem(status, 'delete');
  return (
    <Group gap={4} justify="flex-end" wrap="nowrap">
      <RowAction
        Icon={command === 'stop' ? stopIcon(word) : IconPlayerPlay}
        word={word}
        name={name}
        problem={problem}
        onClick={() => onCommand(command)}
      />
      <Menu width={208}>
        <Menu.Target>
          <ActionIcon aria-label={`Actions for ${name}`}>
            <IconDots size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <ReasonedMenuItem
            Icon={IconMoon}
            problem={environmentActionProblem(status, 'sleep')}
            onClick={() => onCommand('sleep')}
          >
            Sleep
          </ReasonedMenuItem>
          {command !== 'stop' && (
            <ReasonedMenuItem
              Icon={IconPlayerPause}
              problem={environmentActionProblem(status, 'stop')}
              onClick={() => onCommand('stop')}
            >
              Pause
            </ReasonedMenuItem>
          )}
          <Menu.Divider />
          <ReasonedMenuItem Icon={IconTrash} isDangerous problem={deleteProblem} onClick={onDelete}>
            Delete…
          </ReasonedMenuItem>
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}

interface PauseAndDeleteProps {
  environment: Environment;
  onPause: () => void;
  onDelete: () => void;
}

/** What an owner of the billing project may do to everybody's environments. */
export function PauseAndDelete({ environment, onPause, onDelete }: PauseAndDeleteProps) {
  const { status, name } = environment;
  const word = stopWord(status);
  return (
    <Group gap={4} justify="flex-end" wrap="nowrap">
      <RowAction
        Icon={stopIcon(word)}
        word={word}
        name={name}
        problem={environmentActionProblem(status, 'stop')}
        onClick={onPause}
      />
      <RowAction
        Icon={IconTrash}
        word="Delete"
        hint="Delete…"
        name={name}
        problem={environmentActionProblem(status, 'delete')}
        onClick={onDelete}
      />
    </Group>
  );
}

function stopIcon(word: string): Icon {
  return word === 'Cancel' ? IconPlayerStop : IconPlayerPause;
}

interface RowActionProps {
  Icon: Icon;
  word: string;
  hint?: string;
  name: string;
  problem: string | undefined;
  onClick: () => void;
}

function RowAction({ Icon, word, hint, name, problem, onClick }: RowActionProps) {
  return (
    <Tooltip label={problem ?? hint ?? word}>
      <ActionIcon aria-label={`${word} ${name}`} {...disabledBecause(problem, onClick)}>
        <Icon size={16} />
      </ActionIcon>
    </Tooltip>
  );
}
