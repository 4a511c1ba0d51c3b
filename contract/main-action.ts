import { environmentActionProblem, type EnvironmentStatus } from './statuses.ts';

export interface MainAction {
  readonly command: 'start' | 'wake' | 'stop';
  /** What the button says. */
  readonly word: string;
  /** Why it cannot be done now, as a sentence. */
  readonly problem: string | undefined;
}

/** The one thing that is done most likely in a status: what brings it to run, else what ends it. */
export function mainAction(status: EnvironmentStatus): MainAction {
  const can = (action: 'start' | 'wake' | 'stop') => environmentActionProblem(status, action) === undefined;
  if (can('wake')) return { command: 'wake', word: 'Wake', problem: undefined };
  if (can('start')) return { command: 'start', word: status === 'Error' ? 'Retry' : 'Start', problem: undefined };
  return { command: 'stop', word: stopWord(status), problem: environmentActionProblem(status, 'stop') };
}

/** "Cancel" while something is under way that a pause would end. */
export function stopWord(status: EnvironmentStatus): 'Cancel' | 'Pause' {
  return status === 'Creating' || status === 'Starting' || status === 'Updating' ? 'Cancel' : 'Pause';
}
