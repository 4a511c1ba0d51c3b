import { AppError } from '@terrarium/contract';
import type { AgentDoor } from '../environments/agent-client.ts';
import type { Availability } from '../environments/availability.ts';
import type { Environments } from '../environments/environments.ts';
import type { Sleepers, SleepingLists } from '../environments/sleeping.ts';
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
  /** What the visitor's environment listed before it fell asleep, or null when it does not sleep. */
  sleeping(visitor: Visitor): Promise<SleepingLists | null>;
  /** The visitor uses the environment: should it sleep or be falling asleep, it wakes. */
  noteUse(agent: AgentDoor): void;
  /** Why no kernel can be reached, for the person. */
  absence(visitor: Visitor): Promise<AppError>;
  /**
   * Starts the visitor's environment, made with the defaults when there is none, and waits until it answers.
   * @throws AppError EnvironmentNotReady and whatever starting throws
   */
  start(visitor: Visitor, signal: AbortSignal): Promise<AgentDoor>;
}

const rememberedMs = 2000;
const longestStartMs = 5 * 60_000;
const keptAgents = 2000;

export function createAgents(options: {
  environments: Pick<Environments, 'agentFor'>;
  availability: Availability;
  sleepers: Sleepers;
  events: EventBus;
  clock: Clock;
}): Agents {
  const { environments, availability, sleepers, events, clock } = options;
  const kept = new Map<string, { agent: AgentDoor; until: number }>();
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

  return {
    find,
    remembered(visitor) {
      const entry = kept.get(keyOf(visitor));
      return entry !== undefined && entry.until > clock.now() ? entry.agent : undefined;
    },
    forget(visitor) {
      kept.delete(keyOf(visitor));
    },
    sleeping: ({ principal, access }) => sleepers.listsFor(principal.account.id, access.workspace.id),
    noteUse(agent) {
      sleepers.noteUse(agent.environmentId);
    },
    absence: ({ principal, access }) => availability.absence(principal.account.id, access.workspace.id),
    async start(visitor, signal) {
      const patience = AbortSignal.any([signal, AbortSignal.timeout(longestStartMs)]);
      await availability.start(visitor.principal, visitor.access, patience);
      const agent = await find(visitor);
      if (agent === null)
        throw new AppError('EnvironmentNotReady', 'The Cloud Environment stopped again before it could be used.');
      return agent;
    },
  };
}
