import { ActionIcon, Button, Menu, Text, Tooltip } from '@mantine/core';
import { hasProcesses, type Environment, type Workspace } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconChevronDown, IconPlayerPlay } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { messageOf } from '../api.ts';
import { links } from '../links.ts';
import { formatPrice } from '../ui/formats.ts';
import { disabledBecause, Hint } from '../ui/Hint.tsx';
import { computeProblem } from '../workspaces/permissions.ts';
import { useCreateEnvironment, useEnvironmentCommand } from './actions.ts';
import classes from './EnvironmentControl.module.css';
import { EnvironmentMenuItems } from './EnvironmentMenuItems.tsx';
import { IdleNote } from './IdleNote.tsx';
import { MainActionButton } from './MainActionButton.tsx';
import {
  chosenEnvironment,
  computeOfferQuery,
  environmentsQuery,
  existingEnvironments,
  pricesQuery,
} from './queries.ts';
import { estimate } from './shape.ts';
import { StatusWord } from './StatusWord.tsx';
import { UsageMeters } from './UsageMeters.tsx';

/** Always in sight inside a workspace: how the environment is, what it costs right now, Start or Pause. */
export function EnvironmentControl({ workspace }: { workspace: Workspace }) {
  const environments = useQuery(environmentsQuery(workspace));
  const environment = chosenEnvironment(environments.data);
  return (
    <section aria-label="Environment control" className={classes.control}>
      {environments.data === undefined ? (
        <Text c="dimmed" fz="sm">
          {environments.error === null ? 'Cloud environment…' : 'The environment’s status cannot be read.'}
        </Text>
      ) : environment === undefined ? (
        <NoEnvironment workspace={workspace} />
      ) : (
        <Existing
          environment={environment}
          workspace={workspace}
          isOneOfSeveral={existingEnvironments(environments.data).length > 1}
        />
      )}
    </section>
  );
}

function NoEnvironment({ workspace }: { workspace: Workspace }) {
  const prices = useQuery(pricesQuery);
  const offer = useQuery(computeOfferQuery);
  const create = useCreateEnvironment(workspace);
  const price =
    prices.data === undefined || offer.data === undefined
      ? undefined
      : estimate({ ...offer.data.defaults, gpus: 0 }, prices.data);
  return (
    <>
      <State
        workspace={workspace}
        status={<span className={classes.none}>No environment</span>}
        cost={price === undefined ? null : `${formatPrice(price.perHourRunning, price.currency)}/h when running`}
      />
      <Hint reason={computeProblem(workspace) ?? 'Creates a Cloud Environment of the default shape with its disk.'}>
        <Button
          leftSection={<IconPlayerPlay size={14} aria-hidden />}
          loading={create.isPending}
          {...disabledBecause(computeProblem(workspace), () => create.mutate({}))}
        >
          Start
        </Button>
      </Hint>
      <Failure error={create.error} />
    </>
  );
}

interface ExistingProps {
  environment: Environment;
  workspace: Workspace;
  isOneOfSeveral: boolean;
}

function Existing({ environment, workspace, isOneOfSeveral }: ExistingProps) {
  const act = useEnvironmentCommand();
  const { status, cost, name } = environment;
  return (
    <>
      {hasProcesses(status) && (
        <div className={classes.meters}>
          <UsageMeters environment={environment} />
        </div>
      )}
      <State
        workspace={workspace}
        status={<StatusWord status={status} />}
        name={isOneOfSeveral ? name : undefined}
        cost={
          <Tooltip label={priceSentence(cost)}>
            <span>{formatPrice(cost.perHourNow, cost.currency)}/h</span>
          </Tooltip>
        }
        notice={<IdleNote environment={environment} isBrief />}
      />
      <div className={classes.buttons}>
        <MainActionButton environment={environment} workspace={workspace} act={act} />
        <Menu width={280}>
          <Menu.Target>
            <Tooltip label="Sleep, keep running">
              <ActionIcon variant="default" size="sm" aria-label="More for the environment">
                <IconChevronDown size={16} />
              </ActionIcon>
            </Tooltip>
          </Menu.Target>
          <Menu.Dropdown>
            <EnvironmentMenuItems
              environment={environment}
              onCommand={(command, until) => act.mutate({ environment, command, until: until ?? null })}
            />
          </Menu.Dropdown>
        </Menu>
      </div>
      <Failure error={act.error} />
    </>
  );
}

/** What every state of it costs, in one sentence. */
function priceSentence({ currency, ...cost }: Environment['cost']): string {
  const text = (amount: number): string => formatPrice(amount, currency);
  return `${text(cost.perHourRunning)} per hour running, ${text(cost.perHourAsleep)} asleep, ${text(cost.perHourPaused)} paused; its disk ${text(cost.diskPerMonth)} per month`;
}

interface StateProps {
  workspace: Workspace;
  status: ReactNode;
  name?: string | undefined;
  cost: ReactNode;
  notice?: ReactNode;
}

function State({ workspace, status, name, cost, notice }: StateProps) {
  return (
    <div role="status">
      <Link {...links.environment(workspace)} className={classes.state} activeProps={{}} title="Cloud environment">
        {name !== undefined && <span className={classes.name}>{name}</span>}
        {status}
        {cost !== null && <span className={classes.cost}>{cost}</span>}
        {notice !== undefined && <span className={classes.notice}>{notice}</span>}
      </Link>
    </div>
  );
}

function Failure({ error }: { error: unknown }) {
  if (error === null || error === undefined) return null;
  return (
    <Text role="alert" fz="sm" className={classes.error}>
      {messageOf(error)}
    </Text>
  );
}
