import { Button, List, Text } from '@mantine/core';
import { hasProcesses, type Environment, type Workspace } from '@terrarium/contract';
import { KernelsSection } from '../kernels/KernelsSection.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { formatMoney, formatPrice } from '../ui/formats.ts';
import { Section } from '../ui/Page.tsx';
import { useEnvironmentCommand } from './actions.ts';
import { Configuration } from './Configuration.tsx';
import { DiskSection } from './DiskSection.tsx';
import { EnvironmentActions } from './EnvironmentActions.tsx';
import classes from './EnvironmentPage.module.css';
import { EnvironmentWarnings } from './EnvironmentWarnings.tsx';
import { IdleNote } from './IdleNote.tsx';
import { MirrorSection } from './MirrorSection.tsx';
import { Operations } from './Operations.tsx';
import { PriceStrip } from './PriceStrip.tsx';
import { UsageMeters } from './UsageMeters.tsx';

interface EnvironmentDetailsProps {
  environment: Environment;
  workspace: Workspace;
  /** Whether the workspace's notebooks run here. */
  isChosen: boolean;
}

export function EnvironmentDetails({ environment, workspace, isChosen }: EnvironmentDetailsProps) {
  const { cost, status } = environment;
  const isAlive = hasProcesses(status);
  return (
    <>
      <EnvironmentActions environment={environment} workspace={workspace} isChosen={isChosen} />
      {!isChosen && <NotChosen environment={environment} />}
      <EnvironmentWarnings environment={environment} workspace={workspace} />
      {isAlive && (
        <div className={classes.now}>
          <div className={classes.meters}>
            <UsageMeters environment={environment} />
          </div>
          <IdleNote environment={environment} />
        </div>
      )}
      {isAlive && (
        <div className={classes.kernels}>
          <KernelsSection workspace={workspace} isAsleep={status === 'Asleep'} />
        </div>
      )}
      <div className={classes.columns}>
        <div>
          <Section title="Timeline">
            {environment.operations.length === 0 && environment.timeline.length === 0 ? (
              <Text c="dimmed">Nothing has happened yet.</Text>
            ) : (
              <Operations environment={environment} />
            )}
          </Section>
          <Section title="Price">
            <PriceStrip estimate={cost} />
            <Text c="dimmed" fz="sm" mt="xs">
              {formatPrice(cost.perHourNow, cost.currency)} per hour now, {formatMoney(cost.soFar, cost.currency)} so
              far for the machine, since it was created.
            </Text>
          </Section>
          <DiskSection environment={environment} />
          <MirrorSection environment={environment} workspace={workspace} />
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

function NotChosen({ environment }: { environment: Environment }) {
  const act = useEnvironmentCommand();
  return (
    <div className={classes.notChosen}>
      <Text c="dimmed">The notebooks of this workspace run in another of your environments.</Text>
      <Button
        variant="default"
        size="xs"
        loading={act.isPending}
        onClick={() => act.mutate({ environment, command: 'choose' })}
      >
        Run notebooks here
      </Button>
      <ErrorNote error={act.error} />
    </div>
  );
}
