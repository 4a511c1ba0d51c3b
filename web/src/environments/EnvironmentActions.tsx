import { ActionIcon, Button, Menu, Title, Tooltip } from '@mantine/core';
import { type Environment, environmentActionProblem, mainAction, type Workspace } from '@terrarium/contract';
import { IconDots, IconMoon, IconPencil, IconPlayerPause, IconPlus, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { links } from '../links.ts';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { disabledBecause, Hint } from '../ui/Hint.tsx';
import { ButtonLink, MenuLink } from '../ui/links.tsx';
import { computeProblem } from '../workspaces/permissions.ts';
import { useEnvironmentCommand } from './actions.ts';
import { DeleteEnvironmentDialog } from './DeleteEnvironmentDialog.tsx';
import classes from './EnvironmentPage.module.css';
import { EnvironmentMenuItems } from './EnvironmentMenuItems.tsx';
import { MainActionButton } from './MainActionButton.tsx';
import { StatusWord } from './StatusWord.tsx';

interface EnvironmentActionsProps {
  environment: Environment;
  workspace: Workspace;
  isChosen: boolean;
}

/** The environment's name and status, and everything that can be done to it. */
export function EnvironmentActions({ environment, workspace, isChosen }: EnvironmentActionsProps) {
  const [isDeleting, setIsDeleting] = useState(false);
  const act = useEnvironmentCommand();
  const { status } = environment;
  const problemOf = (action: Parameters<typeof environmentActionProblem>[1]) =>
    environmentActionProblem(status, action);
  const editProblem = computeProblem(workspace) ?? problemOf('update');
  const deleteProblem = problemOf('delete');
  const isMain = (command: string): boolean => mainAction(status).command === command;
  return (
    <>
      <div className={classes.title}>
        <Title order={2}>{environment.name}</Title>
        <StatusWord status={status} />
        <div className={classes.actions}>
          {isChosen && (
            <ButtonLink {...links.lab(workspace)} variant="default">
              Open JupyterLab
            </ButtonLink>
          )}
          {/* What is under way is cancelled in the timeline below. */}
          {mainAction(status).word !== 'Cancel' && (
            <MainActionButton environment={environment} workspace={workspace} act={act} noun="environment" />
          )}
          {problemOf('sleep') === undefined && (
            <Button
              variant="default"
              leftSection={<IconMoon size={14} aria-hidden />}
              loading={act.isPending && act.variables.command === 'sleep'}
              onClick={() => act.mutate({ environment, command: 'sleep' })}
            >
              Sleep
            </Button>
          )}
          {!isMain('stop') && problemOf('stop') === undefined && (
            <Button
              variant="default"
              leftSection={<IconPlayerPause size={14} aria-hidden />}
              loading={act.isPending && act.variables.command === 'stop'}
              onClick={() => act.mutate({ environment, command: 'stop' })}
            >
              Pause environment
            </Button>
          )}
          <Hint reason={editProblem}>
            {editProblem === undefined ? (
              <ButtonLink
                {...links.environment(workspace, { environment: environment.name, view: 'edit' })}
                variant="default"
                leftSection={<IconPencil size={14} aria-hidden />}
              >
                Edit
              </ButtonLink>
            ) : (
              <Button
                variant="default"
                leftSection={<IconPencil size={14} aria-hidden />}
                {...disabledBecause(editProblem, () => undefined)}
              >
                Edit
              </Button>
            )}
          </Hint>
          <Hint reason={deleteProblem}>
            <Button
              variant="default"
              c={deleteProblem === undefined ? 'var(--danger)' : undefined}
              leftSection={<IconTrash size={14} aria-hidden />}
              {...disabledBecause(deleteProblem, () => setIsDeleting(true))}
            >
              Delete environment
            </Button>
          </Hint>
          <Menu width={280}>
            <Menu.Target>
              <Tooltip label="Keep running, new environment">
                <ActionIcon variant="default" size="sm" aria-label={`More for ${environment.name}`}>
                  <IconDots size={16} />
                </ActionIcon>
              </Tooltip>
            </Menu.Target>
            <Menu.Dropdown>
              <EnvironmentMenuItems
                environment={environment}
                onCommand={(command, until) => act.mutate({ environment, command, until: until ?? null })}
              />
              <Menu.Divider />
              <MenuLink
                {...links.environment(workspace, { view: 'new' })}
                leftSection={<IconPlus size={16} aria-hidden />}
              >
                New environment
              </MenuLink>
            </Menu.Dropdown>
          </Menu>
        </div>
      </div>
      <ErrorNote error={act.error} />
      {isDeleting && <DeleteEnvironmentDialog environment={environment} onClose={() => setIsDeleting(false)} />}
    </>
  );
}
