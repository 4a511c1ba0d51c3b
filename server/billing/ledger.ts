import type { Database } from '../plumbing/db/database.ts';

export type ChargeCategory = 'Compute' | 'Storage';

/** What something costs from a moment on. */
export interface Charge {
  readonly category: ChargeCategory;
  readonly perHour: number;
}

/** Where nouns that cost money write what they cost. The ledger is kept by the noun cost. */
export interface Ledger {
  /**
   * From `at` on, the resource costs exactly `charges`: what ran before ends there. Repeating the same is a no-op.
   * Written in the caller's transaction, so that a status and its price change together.
   */
  set(
    inside: Database,
    resource: { id: string; workspaceId: string; accountId: string },
    charges: readonly Charge[],
    at: number,
  ): Promise<void>;
  /** What the resource has cost until `now`. */
  costOf(resourceId: string, now: number): Promise<number>;
}
