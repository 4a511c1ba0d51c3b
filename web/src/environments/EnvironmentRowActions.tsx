import { ActionIcon, Group, Tooltip } from '@mantine/core';
import { environmentActionProblem, type Environment } from '@terrarium/contract';
import { IconMoon, IconPlayerPause, IconPlayerPlay, IconTrash, type Icon } from '@tabler/icons-react';
import { disabledBecause } from '../ui/Hint.tsx';
import type { EnvironmentCommand } from './actions.ts';
import { mainAction, stopWord } from './main-action.ts';

interface EnvironmentRowActionsProps {
  environment: Environment;
  onCommand: (command: EnvironmentCommand) => void;
  onDelete: () => void;
}

/** In a list of one's own environments: start or wake, sleep, pause, delete. */
export function EnvironmentRowActions({ environment, onCommand, onDelete }: EnvironmentRowActionsProps) {
  const { status, name } = environment;
  const main = mainAction(status);
  const isAsleepOrRuns = status === 'Running' || status === 'Asleep';
  return (
    <Group gap={4} justify="flex-end" wrap="nowrap">
      {main.command === 'stop'
        ? isAsleepOrRuns && (
            <RowAction
              Icon={IconMoon}
              word="Sleep"
              name={name}
              problem={environmentActionProblem(status, 'sleep')}
              onClick={() => onCommand('sleep')}
            />
          )
        : main.problem === undefined && (
            <RowAction
              Icon={IconPlayerPlay}
              word={main.word}
              name={name}
              problem={undefined}
              onClick={() => onCommand(main.command)}
            />
          )}
      <PauseAndDelete environment={environment} onPause={() => onCommand('stop')} onDelete={onDelete} />
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
  return (
    <>
      <RowAction
        Icon={IconPlayerPause}
        word={stopWord(status)}
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
    </>
  );
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
