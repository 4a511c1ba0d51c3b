import type { Database } from '../plumbing/db/database.ts';

export type ChargeCategory = 'Compute' | 'Storage';

/** What something costs from a moment on. */
export interface Charge {
  readonly category: ChargeCategory;
  readonly perHour: number;
}

export interface Cost {
  readonly soFar: number;
  readonly perHour: number;
}

/** Where nouns that cost money write what they cost. The ledger is kept by the noun cost. */
export interface Ledger {
  /**
   * The resource costs exactly `charges` from `since` on, or from `now` on where what was charged until now began no
   * earlier than `since`: then the price changed and not the state. Repeating the same is a no-op. Written in the
   * caller's transaction, so that a status and its price change together.
   */
  set(
    inside: Database,
    resource: { id: string; workspaceId: string; accountId: string },
    charges: readonly Charge[],
    when: { readonly since: number; readonly now: number },
  ): Promise<void>;
  /** What each of the resources that ever cost anything has cost until `now`, and costs an hour at that moment. */
  costsOf(resourceIds: readonly string[], now: number): Promise<ReadonlyMap<string, Cost>>;
}
