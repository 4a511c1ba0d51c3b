import type { Environment, EnvironmentOperation, TimelineStep } from '@terrarium/contract';

export interface OperationWithSteps extends Omit<EnvironmentOperation, 'kind'> {
  readonly steps: readonly TimelineStep[];
}

/** What was asked of an environment with the steps taken for it, newest first. */
export function operationsOf({ operations, timeline }: Pick<Environment, 'operations' | 'timeline'>) {
  const known = operations.map((operation): OperationWithSteps => ({
    ...operation,
    steps: timeline.filter((step) => step.operation === operation.id),
  }));
  const ids = new Set(operations.map(({ id }) => id));
  const others = timeline.filter(({ operation }) => operation === null || !ids.has(operation));
  return [...earlier(others), ...known].toReversed();
}

/** Steps whose operation is not known any more. */
function earlier(steps: readonly TimelineStep[]): OperationWithSteps[] {
  const [first] = steps;
  const last = steps.at(-1);
  if (first === undefined || last === undefined) return [];
  const outcome = last.outcome === 'failed' ? 'failed' : last.endedAt === null ? 'running' : 'done';
  return [
    {
      id: 'earlier',
      title: 'Earlier',
      reason: null,
      startedAt: first.startedAt,
      endedAt: last.endedAt,
      deadlineAt: null,
      outcome,
      steps,
    },
  ];
}
