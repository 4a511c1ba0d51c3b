import { Button } from '@mantine/core';
import { clockTime, type Environment, environmentActionProblem, stopWord } from '@terrarium/contract';
import { IconPlayerStop } from '@tabler/icons-react';
import { useState } from 'react';
import { useNow } from '../ui/clock.ts';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { When } from '../ui/When.tsx';
import { useEnvironmentCommand } from './actions.ts';
import classes from './Operations.module.css';
import { operationsOf, type OperationWithSteps } from './operations.ts';
import { Elapsed, Timeline } from './Timeline.tsx';

const shownAtFirst = 5;

/** What was asked of the environment: the newest open with its steps, earlier ones a line each until one opens them. */
export function Operations({ environment }: { environment: Environment }) {
  const [isWhole, setIsWhole] = useState(false);
  const operations = operationsOf(environment);
  const [newest, ...earlier] = operations;
  if (newest === undefined) return null;
  const shown = isWhole ? earlier : earlier.slice(0, shownAtFirst);
  return (
    <div className={classes.operations}>
      <Newest key={newest.id} operation={newest} environment={environment} />
      {shown.map((operation) => (
        <details key={operation.id} className={classes.earlier}>
          <summary>
            <Summary operation={operation} />
          </summary>
          <Body operation={operation} />
        </details>
      ))}
      {shown.length < earlier.length && (
        <Button variant="subtle" size="compact-sm" w="fit-content" ml={-8} onClick={() => setIsWhole(true)}>
          Show all {operations.length} operations
        </Button>
      )}
    </div>
  );
}

function Newest({ operation, environment }: { operation: OperationWithSteps; environment: Environment }) {
  const act = useEnvironmentCommand();
  const { status } = environment;
  const isCancellable =
    operation.outcome === 'running' &&
    stopWord(status) === 'Cancel' &&
    environmentActionProblem(status, 'stop') === undefined;
  return (
    <section aria-label={operation.title} className={classes.newest}>
      <div className={classes.top}>
        <Summary operation={operation} />
        {isCancellable && (
          <Button
            variant="default"
            size="xs"
            leftSection={<IconPlayerStop size={14} aria-hidden />}
            loading={act.isPending}
            onClick={() => act.mutate({ environment, command: 'stop' })}
          >
            Cancel
          </Button>
        )}
      </div>
      <ErrorNote error={act.error} />
      <Body operation={operation} isNewest />
    </section>
  );
}

const preposition: Record<Exclude<OperationWithSteps['outcome'], 'running'>, string> = {
  done: 'in',
  failed: 'after',
  replaced: 'after',
};

function Summary({ operation }: { operation: OperationWithSteps }) {
  const { title, startedAt, endedAt, deadlineAt, outcome } = operation;
  return (
    <span className={classes.summary}>
      <span className={classes.title}>{title}</span>
      <span className={classes.facts}>
        {outcome === 'running' ? (
          <>
            <Elapsed startedAt={startedAt} endedAt={null} />
            {deadlineAt !== null && <Deadline at={deadlineAt} />}
          </>
        ) : (
          <>
            <span data-outcome={outcome} className={classes.outcome}>
              {outcome}
            </span>{' '}
            {endedAt !== null && (
              <>
                {preposition[outcome]} <Elapsed startedAt={startedAt} endedAt={endedAt} />,{' '}
              </>
            )}
            <When at={startedAt} />
          </>
        )}
      </span>
    </span>
  );
}

function Deadline({ at }: { at: string }) {
  const now = useNow(60_000);
  return `, at most until ${clockTime(at, now)}`;
}

function Body({ operation, isNewest = false }: { operation: OperationWithSteps; isNewest?: boolean }) {
  const { reason, steps, title } = operation;
  return (
    <div className={classes.body}>
      {reason !== null && <p className={classes.reason}>{reason}</p>}
      {steps.length > 0 && <Timeline label={isNewest ? 'Timeline' : `Timeline of ${title}`} steps={steps} />}
    </div>
  );
}
