import { Alert, Button, List, Text, Title } from '@mantine/core';
import { environmentActionProblem, type Environment, type Workspace } from '@terrarium/contract';
import { IconAlertTriangle, IconPlayerPause, IconPlayerPlay, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { KernelsSection } from '../kernels/KernelsSection.tsx';
import { links } from '../links.ts';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { Fact, Facts } from '../ui/Facts.tsx';
import { formatMoney } from '../ui/formats.ts';
import { disabledBecause, Hint } from '../ui/Hint.tsx';
import { ButtonLink } from '../ui/links.tsx';
import { Section } from '../ui/Page.tsx';
import { When } from '../ui/When.tsx';
import { computeProblem } from '../workspaces/permissions.ts';
import { useStartEnvironment, useStopEnvironment } from './actions.ts';
import { DeleteEnvironmentDialog } from './DeleteEnvironmentDialog.tsx';
import classes from './EnvironmentPage.module.css';
import { MirrorSection } from './MirrorSection.tsx';
import { PriceStrip } from './PriceStrip.tsx';
import { shapeText } from './shape.ts';
import { StatusWord } from './StatusWord.tsx';
import { Timeline } from './Timeline.tsx';
import { UsageMeters } from './UsageMeters.tsx';

export function EnvironmentDetails({ environment, workspace }: { environment: Environment; workspace: Workspace }) {
  const { cost } = environment;
  return (
    <>
      <Actions environment={environment} workspace={workspace} />
      {environment.reason !== null && (
        <Alert
          color={environment.status === 'Error' ? 'red' : 'gray'}
          icon={environment.status === 'Error' ? <IconAlertTriangle size={16} /> : undefined}
          role={environment.status === 'Error' ? 'alert' : undefined}
          mb="md"
          p="sm"
        >
          {environment.reason}
        </Alert>
      )}
      {environment.status === 'Running' && (
        <div className={classes.meters}>
          <UsageMeters environment={environment} />
        </div>
      )}
      {environment.status === 'Running' && (
        <div className={classes.kernels}>
          <KernelsSection workspace={workspace} />
        </div>
      )}
      <div className={classes.columns}>
        <div>
          <Section title="Price">
            <PriceStrip estimate={cost} />
            <Text c="dimmed" fz="sm" mt="xs">
              {formatMoney(cost.soFar, cost.currency)} so far for the machine, since it was created.
            </Text>
          </Section>
          <MirrorSection environment={environment} workspace={workspace} />
          <Section title="Timeline">
            {environment.timeline.length === 0 ? (
              <Text c="dimmed">Nothing has happened yet.</Text>
            ) : (
              <Timeline steps={environment.timeline} />
            )}
          </Section>
        </div>
        <div>
          <Section title="Configuration">
            <Configuration environment={environment} />
          </Section>
          {environment.notes.length > 0 && (
            <Section title="On this machine">
              <List spacing={4} fz="sm" c="dimmed">
                {environment.notes.map((note) => (
                  <List.Item key={note}>{note}</List.Item>
                ))}
              </List>
            </Section>
          )}
        </div>
      </div>
    </>
  );
}

function Actions({ environment, workspace }: { environment: Environment; workspace: Workspace }) {
  const [isDeleting, setIsDeleting] = useState(false);
  const start = useStartEnvironment();
  const stop = useStopEnvironment();
  const { status } = environment;
  const compute = computeProblem(workspace);
  const deleteProblem = environmentActionProblem(status, 'delete');
  return (
    <>
      <div className={classes.title}>
        <Title order={2}>{environment.name}</Title>
        <StatusWord status={status} />
        <div className={classes.actions}>
          <ButtonLink {...links.lab(workspace)} variant="default">
            Open JupyterLab
          </ButtonLink>
          {environmentActionProblem(status, 'start') === undefined && (
            <Hint reason={compute}>
              <Button
                leftSection={<IconPlayerPlay size={14} aria-hidden />}
                loading={start.isPending}
                {...disabledBecause(compute, () => start.mutate(environment))}
              >
                {status === 'Error' ? 'Retry' : 'Start environment'}
              </Button>
            </Hint>
          )}
          {environmentActionProblem(status, 'stop') === undefined && (
            <Button
              variant="default"
              leftSection={<IconPlayerPause size={14} aria-hidden />}
              loading={stop.isPending}
              onClick={() => stop.mutate(environment)}
            >
              Pause environment
            </Button>
          )}
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
        </div>
      </div>
      <ErrorNote error={start.error ?? stop.error} />
      {isDeleting && <DeleteEnvironmentDialog environment={environment} onClose={() => setIsDeleting(false)} />}
    </>
  );
}

function Configuration({ environment }: { environment: Environment }) {
  const variables = Object.entries(environment.environmentVariables);
  return (
    <Facts>
      <Fact name="Image">
        {environment.imageTitle}
        <Text c="dimmed" fz="sm" ff="monospace">
          {environment.image}
        </Text>
      </Fact>
      <Fact name="Shape">{shapeText(environment)}</Fact>
      <Fact name="Persistent disk">
        {environment.disk === null ? (
          'None'
        ) : (
          <>
            {environment.disk.name}, {environment.disk.sizeGiB} GiB
            <Text c="dimmed" fz="sm">
              At /home/jupyter; kept when the environment is deleted, unless you ask otherwise
            </Text>
          </>
        )}
      </Fact>
      <Fact name="Boot disk">
        {environment.bootDiskGiB} GiB
        <Text c="dimmed" fz="sm">
          Kept by pause, gone when the environment is deleted
        </Text>
      </Fact>
      <Fact name="Autopause">
        {environment.autopauseMinutes === 0 ? 'Off' : `After ${String(environment.autopauseMinutes)} idle minutes`}
      </Fact>
      {environment.pausesAt !== null && (
        <Fact name="Pauses">
          <When at={environment.pausesAt} />
        </Fact>
      )}
      <Fact name="Created">
        <When at={environment.createdAt} />
      </Fact>
      {environment.startedAt !== null && (
        <Fact name="Last started">
          <When at={environment.startedAt} />
        </Fact>
      )}
      {environment.lastActivityAt !== null && (
        <Fact name="Last activity">
          <When at={environment.lastActivityAt} />
        </Fact>
      )}
      {variables.length > 0 && (
        <Fact name="Variables">
          {variables.map(([name, value]) => (
            <Text key={name} ff="monospace" fz="sm">
              {name}={value}
            </Text>
          ))}
        </Fact>
      )}
    </Facts>
  );
}
