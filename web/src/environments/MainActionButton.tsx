import { Button } from '@mantine/core';
import { type Environment, mainAction, type Workspace } from '@terrarium/contract';
import { IconPlayerPause, IconPlayerPlay, IconPlayerStop } from '@tabler/icons-react';
import { disabledBecause, Hint } from '../ui/Hint.tsx';
import { computeProblem } from '../workspaces/permissions.ts';
import type { useEnvironmentCommand } from './actions.ts';

interface MainActionButtonProps {
  environment: Environment;
  workspace: Workspace;
  act: ReturnType<typeof useEnvironmentCommand>;
  /** After the word, where the button stands alone: "environment". */
  noun?: string;
}

/** Start, Wake, Retry, Pause or Cancel, as the status has it. */
export function MainActionButton({ environment, workspace, act, noun }: MainActionButtonProps) {
  const { command, word, problem } = mainAction(environment.status);
  const isStop = command === 'stop';
  const reason = problem ?? (isStop ? undefined : computeProblem(workspace));
  const Icon = !isStop ? IconPlayerPlay : word === 'Cancel' ? IconPlayerStop : IconPlayerPause;
  return (
    <Hint reason={reason}>
      <Button
        {...(isStop ? { variant: 'default' } : {})}
        leftSection={<Icon size={14} aria-hidden />}
        loading={act.isPending && act.variables.command === command}
        {...disabledBecause(reason, () => act.mutate({ environment, command }))}
      >
        {noun === undefined || word === 'Retry' ? word : `${word} ${noun}`}
      </Button>
    </Hint>
  );
}
