import { Alert, Button, Group } from '@mantine/core';
import { environmentActionProblem, hasProcesses, type Environment, type Workspace } from '@terrarium/contract';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { GrowDiskDialog } from '../disks/GrowDiskDialog.tsx';
import { links } from '../links.ts';
import { ButtonLink } from '../ui/links.tsx';
import { When } from '../ui/When.tsx';
import classes from './EnvironmentPage.module.css';
import { startupScriptId } from './StartupScriptFields.tsx';
import { diskLevel, fullness, isHigh, memoryLevel, startupFailure } from './warnings.ts';

interface EnvironmentWarningsProps {
  environment: Environment;
  workspace: Workspace;
}

/** What is wrong or soon will be, each with the next step. */
export function EnvironmentWarnings({ environment, workspace }: EnvironmentWarningsProps) {
  const { status, reason, name } = environment;
  const [isGrowing, setIsGrowing] = useState(false);
  const isAlive = hasProcesses(status);
  const scriptLog = startupFailure(environment);
  // The server's sentence about the script quotes what the warning shows.
  const isToldBelow = scriptLog !== undefined && reason?.includes('startup script') === true;
  const ended = environment.usage?.outOfMemory ?? null;
  const memory = memoryLevel(environment);
  const disk = diskLevel(environment);
  const edit = links.environment(workspace, { environment: name, view: 'edit' });
  const canEdit = environmentActionProblem(status, 'update') === undefined;
  return (
    <div className={classes.warnings}>
      {reason !== null && !isToldBelow && (
        <Alert
          color={status === 'Error' ? 'red' : 'gray'}
          icon={status === 'Error' ? <IconAlertTriangle size={16} /> : undefined}
          role={status === 'Error' ? 'alert' : undefined}
          p="sm"
        >
          {reason}
        </Alert>
      )}
      {scriptLog !== undefined && (
        <Warning
          title="The startup script failed"
          action={
            canEdit && (
              <ButtonLink
                {...links.environment(workspace, { environment: name, view: 'edit' }, startupScriptId)}
                variant="default"
                size="xs"
              >
                Edit script
              </ButtonLink>
            )
          }
        >
          The environment runs all the same; what the script was to do may be missing. It printed last:
          {scriptLog !== '' && (
            <pre className={classes.script} tabIndex={0} aria-label="Last lines of the startup script">
              {scriptLog}
            </pre>
          )}
        </Warning>
      )}
      {isAlive && ended !== null && (
        <Warning
          title={
            <>
              Ended for want of memory, <When at={ended.at} />
            </>
          }
          action={
            canEdit && (
              <ButtonLink
                {...links.environment(workspace, {
                  environment: name,
                  view: 'edit',
                  ...(ended.suggestedGiB === null ? {} : { memory: ended.suggestedGiB }),
                })}
                variant="default"
                size="xs"
              >
                {ended.suggestedGiB === null ? 'Change shape' : `Give it ${String(ended.suggestedGiB)} GiB`}
              </ButtonLink>
            )
          }
        >
          {ended.sentence}
        </Warning>
      )}
      {isAlive && isHigh(memory) && (
        <Warning
          title={`Memory is ${fullness(memory)}`}
          action={
            canEdit && (
              <ButtonLink {...edit} variant="default" size="xs">
                Change shape
              </ButtonLink>
            )
          }
        >
          When it is full, the kernel that needs more is ended. Shut down kernels that you do not need, or give the
          environment more memory.
        </Warning>
      )}
      {isAlive && isHigh(disk) && disk !== undefined && (
        <Warning
          title={`The disk is ${fullness(disk)}`}
          action={
            canEdit && (
              <Button variant="default" size="xs" onClick={() => setIsGrowing(true)}>
                Grow disk
              </Button>
            )
          }
        >
          When it is full, nothing more can be written to it. Delete what you do not need (what takes the most room is
          listed below), or grow it.
        </Warning>
      )}
      {isGrowing && environment.disk !== null && (
        <GrowDiskDialog disk={environment.disk} onClose={() => setIsGrowing(false)} />
      )}
    </div>
  );
}

function Warning({ title, action, children }: { title: ReactNode; action?: ReactNode; children: ReactNode }) {
  return (
    <Alert
      className={classes.warning}
      icon={<IconAlertTriangle size={16} color="var(--warning)" />}
      role="alert"
      title={title}
      p="sm"
    >
      {children}
      {action !== undefined && action !== false && <Group mt="xs">{action}</Group>}
    </Alert>
  );
}
