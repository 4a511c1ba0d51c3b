import { AppError, environmentStatusWord, type EnvironmentCreate } from '@terrarium/contract';
import type { AgentDoor } from '../environments/agent-client.ts';
import type { Environments } from '../environments/environments.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { EventBus } from '../plumbing/events.ts';
import type { Visitor } from './visitor.ts';

export interface Agents {
  /** Where the visitor's running environment answers, or null when none runs. */
  find(visitor: Visitor): Promise<AgentDoor | null>;
  /** The same from memory alone; undefined when it has to be looked up. */
  remembered(visitor: Visitor): AgentDoor | undefined;
  /** After an agent did not answer: look it up afresh next time. */
  forget(visitor: Visitor): void;
  /** Why no kernel can be reached, for the person. */
  absence(visitor: Visitor): Promise<AppError>;
  /**
   * Starts the visitor's environment, made with the defaults when there is none, and waits until it answers.
   * @throws AppError EnvironmentNotReady and whatever starting throws
   */
  start(visitor: Visitor, signal: AbortSignal): Promise<AgentDoor>;
}

const rememberedMs = 2000;
const keptAgents = 2000;
const longestStartMs = 5 * 60_000;
const none: EnvironmentCreate = {};

export function createAgents(options: {
  environments: Pick<Environments, 'agentFor' | 'defaultFor' | 'create' | 'start' | 'untilRunning'>;
  events: EventBus;
  clock: Clock;
}): Agents {
  const { environments, events, clock } = options;
  const kept = new Map<string, { agent: AgentDoor; until: number }>();
  const starting = new Map<string, Promise<string>>();
  events.subscribe(({ event }) => {
    if (event.kind === 'environment') kept.clear();
  });

  const keyOf = (visitor: Visitor) => `${visitor.access.workspace.id} ${visitor.principal.account.id}`;

  async function find(visitor: Visitor): Promise<AgentDoor | null> {
    const agent = await environments.agentFor(visitor.principal.account.id, visitor.access.workspace.id);
    if (agent === null) return null;
    if (kept.size >= keptAgents) kept.clear();
    kept.set(keyOf(visitor), { agent, until: clock.now() + rememberedMs });
    return agent;
  }

  /** Asks for a start, once however many programs ask at the same moment. */
  async function askToRun(visitor: Visitor): Promise<string> {
    const { principal, access } = visitor;
    const environment = await environments.defaultFor(principal.account.id, access.workspace.id);
    if (environment === null) return (await environments.create(principal, access, none)).id;
    if (environment.status === 'Stopped' || environment.status === 'Stopping' || environment.status === 'Error') {
      await environments.start(principal, access, environment.id);
    }
    return environment.id;
  }

  return {
    find,
    remembered(visitor) {
      const entry = kept.get(keyOf(visitor));
      return entry !== undefined && entry.until > clock.now() ? entry.agent : undefined;
    },
    forget(visitor) {
      kept.delete(keyOf(visitor));
    },
    async absence(visitor) {
      const environment = await environments.defaultFor(visitor.principal.account.id, visitor.access.workspace.id);
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
    },
    async start(visitor, signal) {
      const key = keyOf(visitor);
      let asked = starting.get(key);
      if (asked === undefined) {
        asked = askToRun(visitor).finally(() => starting.delete(key));
        starting.set(key, asked);
      }
      await environments.untilRunning(await asked, AbortSignal.any([signal, AbortSignal.timeout(longestStartMs)]));
      const agent = await find(visitor);
      if (agent === null)
        throw new AppError('EnvironmentNotReady', 'The Cloud Environment stopped again before it could be used.');
      return agent;
    },
  };
}
