import { Text } from '@mantine/core';
import type { Environment } from '@terrarium/contract';
import { Fact, Facts } from '../ui/Facts.tsx';
import { When } from '../ui/When.tsx';
import classes from './EnvironmentPage.module.css';
import { shapeText } from './shape.ts';

/** What the environment was made with, and when what happened to it. */
export function Configuration({ environment }: { environment: Environment }) {
  const { status, disk, startupScript, startedAt, lastActivityAt, sleepsAt, pausesAt } = environment;
  const variables = Object.entries(environment.environmentVariables);
  const labels = Object.entries(environment.labels);
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
        {disk === null ? (
          'None'
        ) : (
          <>
            {disk.name}, {disk.sizeGiB} GiB
            {disk.growsToGiB !== null && `, growing to ${String(disk.growsToGiB)} GiB`}
            <Text c="dimmed" fz="sm">
              At /home/jupyter; kept when the environment is deleted, unless you ask otherwise
            </Text>
          </>
        )}
      </Fact>
      <Fact name="Boot disk">
        {environment.bootDiskGiB} GiB
        <Text c="dimmed" fz="sm">
          Kept by pause, gone when the environment is rebuilt or deleted
        </Text>
      </Fact>
      <Fact name="Sleep">{idleText(environment.sleepMinutes)}</Fact>
      {status === 'Running' && sleepsAt !== null && <Moment name="Sleeps" at={sleepsAt} />}
      <Fact name="Autopause">{idleText(environment.autopauseMinutes)}</Fact>
      {pausesAt !== null && <Moment name="Pauses" at={pausesAt} />}
      <Moment name="Created" at={environment.createdAt} />
      {startedAt !== null && <Moment name="Last started" at={startedAt} />}
      {lastActivityAt !== null && <Moment name="Last activity" at={lastActivityAt} />}
      {variables.length > 0 && (
        <Fact name="Variables">
          {variables.map(([name, value]) => (
            <Text key={name} ff="monospace" fz="sm">
              {name}={value}
            </Text>
          ))}
        </Fact>
      )}
      {labels.length > 0 && (
        <Fact name="Labels">
          {labels.map(([name, value]) => (
            <Text key={name} fz="sm">
              {name}: {value}
            </Text>
          ))}
        </Fact>
      )}
      {startupScript.trim() !== '' && (
        <Fact name="Startup script">
          {environment.startupScriptRuns === 'once' ? 'Once, when the boot disk is new' : 'At every start'}
          <pre className={classes.script} tabIndex={0} aria-label="Startup script">
            {startupScript}
          </pre>
        </Fact>
      )}
    </Facts>
  );
}

function Moment({ name, at }: { name: string; at: string }) {
  return (
    <Fact name={name}>
      <When at={at} />
    </Fact>
  );
}

function idleText(minutes: number): string {
  if (minutes === 0) return 'Off';
  return `After ${String(minutes)} idle minute${minutes === 1 ? '' : 's'}`;
}
