import type { ChangeEvent } from '@terrarium/contract';

/** A change with its place in the sequence. `audience` decides who hears of it. */
export interface PublishedEvent {
  readonly sequence: number;
  readonly event: ChangeEvent;
  /** Account ids that may know; null: everyone who can see the workspace. */
  readonly accountId: string | null;
}

/** Fan-out of changes to those who listen, with the recent past kept for those who come back. */
export interface EventBus {
  /** `epoch` tells one run of the control plane from the next; a sequence number means nothing in another. */
  readonly epoch: string;
  publish(event: ChangeEvent, accountId?: string | null): void;
  /** @returns what came after `sequence`, or null when that is further back than what is kept */
  since(sequence: number): PublishedEvent[] | null;
  subscribe(listener: (published: PublishedEvent) => void): () => void;
}

const kept = 2000;

export function createEventBus(epoch: string): EventBus {
  const listeners = new Set<(published: PublishedEvent) => void>();
  const recent: PublishedEvent[] = [];
  let sequence = 0;
  return {
    epoch,
    publish(event, accountId = null) {
      const published = { sequence: ++sequence, event, accountId };
      recent.push(published);
      if (recent.length > kept) recent.shift();
      for (const listener of listeners) listener(published);
    },
    since(after) {
      if (after > sequence) return null;
      const first = recent[0];
      if (first !== undefined && first.sequence > after + 1) return null;
      return recent.filter((published) => published.sequence > after);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
