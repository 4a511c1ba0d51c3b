import {
  AppError,
  environmentActionProblem,
  environmentStatusWord,
  type Environment,
  type EnvironmentCreate,
} from '@terrarium/contract';
import type { Principal } from '../accounts/accounts.ts';
import type { WorkspaceAccess } from '../workspaces/access.ts';
import type { AgentDoor } from './agent-client.ts';
import type { Environments } from './environments.ts';

/** Whether a person's environment in a workspace can be used now, and how it comes to be so. */
export interface Availability {
  /** Why none can be reached, for the person. */
  absence(accountId: string, workspaceId: string): Promise<AppError>;
  /**
   * Starts the person's environment, made with the defaults when there is none, and waits until it answers.
   * @throws AppError EnvironmentNotReady and whatever starting throws
   */
  start(who: Pick<Principal, 'account'>, access: WorkspaceAccess, signal: AbortSignal): Promise<AgentDoor>;
  /**
   * Waits for the person's environment that somebody has started, as long as that may take.
   * @throws AppError EnvironmentPaused  none is on its way; EnvironmentNotReady  it did not start, with the reason
   */
  arrival(accountId: string, workspaceId: string, signal: AbortSignal): Promise<AgentDoor>;
}

const none: EnvironmentCreate = {};

export function createAvailability(options: {
  environments: Pick<Environments, 'defaultFor' | 'create' | 'start' | 'untilRunning'>;
}): Availability {
  const { environments } = options;
  const starting = new Map<string, Promise<string>>();

  /** Asks for a start, once however many ask at the same moment. */
  async function askToRun(who: Pick<Principal, 'account'>, access: WorkspaceAccess): Promise<string> {
    const environment = await environments.defaultFor(who.account.id, access.workspace.id);
    if (environment === null) return (await environments.create(who, access, none)).id;
    if (environmentActionProblem(environment.status, 'start') === undefined) {
      await environments.start(who, access, environment.id);
    }
    return environment.id;
  }

  return {
    async absence(accountId, workspaceId) {
      return absenceOf(await environments.defaultFor(accountId, workspaceId));
    },

    async arrival(accountId, workspaceId, signal) {
      const environment = await environments.defaultFor(accountId, workspaceId);
      const absence = absenceOf(environment);
      if (environment === null || absence.code !== 'EnvironmentNotReady') throw absence;
      return environments.untilRunning(environment.id, signal);
    },

    async start(who, access, signal) {
      const key = `${access.workspace.id} ${who.account.id}`;
      let asked = starting.get(key);
      if (asked === undefined) {
        asked = askToRun(who, access).finally(() => starting.delete(key));
        starting.set(key, asked);
      }
      return environments.untilRunning(await asked, signal);
    },
  };
}

/** EnvironmentNotReady for one that is on its way. */
function absenceOf(environment: Environment | null): AppError {
  if (environment === null) {
    return new AppError(
      'EnvironmentPaused',
      'There is no Cloud Environment in this workspace yet. Start one to run code.',
    );
  }
  const word = environmentStatusWord[environment.status].toLowerCase();
  switch (environment.status) {
    case 'Creating':
    case 'Starting':
    case 'Updating':
    case 'Running':
      return new AppError(
        'EnvironmentNotReady',
        `The Cloud Environment is ${word} and does not answer yet. Try again in a moment.`,
      );
    case 'Asleep':
      return new AppError('EnvironmentNotReady', 'The Cloud Environment is asleep. It wakes when something is run.');
    case 'Error':
      return new AppError(
        'EnvironmentPaused',
        environment.reason ?? 'The Cloud Environment has a problem. See its page.',
      );
    case 'Stopping':
    case 'Stopped':
    case 'Deleting':
    case 'Deleted':
      return new AppError('EnvironmentPaused', `The Cloud Environment is ${word}. Start it to run code.`);
  }
}
