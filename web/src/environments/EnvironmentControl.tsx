import { Button, Text, Tooltip } from '@mantine/core';
import { defaultShape, environmentActionProblem, type Environment, type Workspace } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { messageOf } from '../api.ts';
import { links } from '../links.ts';
import { useNow } from '../ui/clock.ts';
import { formatPrice } from '../ui/formats.ts';
import { disabledBecause, Hint } from '../ui/Hint.tsx';
import { When } from '../ui/When.tsx';
import { computeProblem } from '../workspaces/permissions.ts';
import { useCreateEnvironment, useStartEnvironment, useStopEnvironment } from './actions.ts';
import classes from './EnvironmentControl.module.css';
import { currentEnvironment, environmentsQuery, pricesQuery } from './queries.ts';
import { estimate, pricePerHourNow } from './shape.ts';
import { StatusWord } from './StatusWord.tsx';
import { UsageMeters } from './UsageMeters.tsx';

const soonMs = 10 * 60_000;

/** Always in sight inside a workspace: how the environment is, what it costs right now, Start or Pause. */
export function EnvironmentControl({ workspace }: { workspace: Workspace }) {
  const environments = useQuery(environmentsQuery(workspace));
  const environment = currentEnvironment(environments.data);
  return (
    <section aria-label="Environment control" className={classes.control}>
      {environments.data === undefined ? (
        <Text c="dimmed" fz="sm">
          {environments.error === null ? 'Cloud environment…' : 'The environment’s status cannot be read.'}
        </Text>
      ) : environment === undefined ? (
        <NoEnvironment workspace={workspace} />
      ) : (
        <Existing environment={environment} workspace={workspace} />
      )}
    </section>
  );
}

function NoEnvironment({ workspace }: { workspace: Workspace }) {
  const prices = useQuery(pricesQuery);
  const create = useCreateEnvironment(workspace);
  const price = prices.data === undefined ? undefined : estimate(defaultShape, prices.data);
  return (
    <Row
      workspace={workspace}
      status={<span className={classes.none}>No environment</span>}
      cost={price === undefined ? null : `${formatPrice(price.perHourRunning, price.currency)}/h when running`}
      error={create.error}
    >
      <Hint reason={computeProblem(workspace) ?? 'Creates a Cloud Environment of the default shape with its disk.'}>
        <Button
          leftSection={<IconPlayerPlay size={14} aria-hidden />}
          loading={create.isPending}
          {...disabledBecause(computeProblem(workspace), () => create.mutate({}))}
        >
          Start
        </Button>
      </Hint>
    </Row>
  );
}

function Existing({ environment, workspace }: { environment: Environment; workspace: Workspace }) {
  const start = useStartEnvironment();
  const stop = useStopEnvironment();
  const now = useNow(30_000);
  const { status, cost } = environment;
  const isStartOffered = environmentActionProblem(status, 'start') === undefined;
  const problem = isStartOffered ? computeProblem(workspace) : environmentActionProblem(status, 'stop');
  const pausesSoon = environment.pausesAt !== null && Date.parse(environment.pausesAt) - now < soonMs;
  return (
    <Row
      workspace={workspace}
      status={<StatusWord status={status} />}
      cost={
        <Tooltip
          label={`${formatPrice(cost.perHourRunning, cost.currency)} per hour running, ${formatPrice(cost.perHourPaused, cost.currency)} per hour paused, its disk ${formatPrice(cost.diskPerMonth, cost.currency)} per month`}
        >
          <span>{formatPrice(pricePerHourNow(environment), cost.currency)}/h</span>
        </Tooltip>
      }
      notice={
        status === 'Running' && pausesSoon && environment.pausesAt !== null ? (
          <>
            Pauses <When at={environment.pausesAt} />
          </>
        ) : null
      }
      meters={status === 'Running' && <UsageMeters environment={environment} />}
      error={start.error ?? stop.error}
    >
      <Hint reason={problem}>
        {isStartOffered ? (
          <Button
            leftSection={<IconPlayerPlay size={14} aria-hidden />}
            loading={start.isPending}
            {...disabledBecause(problem, () => start.mutate(environment))}
          >
            Start
          </Button>
        ) : (
          <Button
            variant="default"
            leftSection={<IconPlayerPause size={14} aria-hidden />}
            loading={stop.isPending}
            {...disabledBecause(problem, () => stop.mutate(environment))}
          >
            Pause
          </Button>
        )}
      </Hint>
    </Row>
  );
}

interface RowProps {
  workspace: Workspace;
  status: ReactNode;
  cost: ReactNode;
  notice?: ReactNode;
  meters?: ReactNode;
  error: unknown;
  children: ReactNode;
}

function Row({ workspace, status, cost, notice, meters, error, children }: RowProps) {
  return (
    <>
      {meters !== undefined && meters !== false && <div className={classes.meters}>{meters}</div>}
      <div role="status">
        <Link {...links.environment(workspace)} className={classes.state} activeProps={{}} title="Cloud environment">
          {status}
          {cost !== null && <span className={classes.cost}>{cost}</span>}
          {notice !== null && notice !== undefined && <span className={classes.notice}>{notice}</span>}
        </Link>
      </div>
      {children}
      {error !== null && error !== undefined && (
        <Text role="alert" fz="sm" className={classes.error}>
          {messageOf(error)}
        </Text>
      )}
    </>
  );
}
