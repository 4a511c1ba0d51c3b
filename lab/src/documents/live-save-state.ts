import type { Connection } from '../rooms/connection.ts';
import type { SaveState } from './saving.ts';

/** Shorter than this, "Saving…" would only flicker. */
const savingShownAfterMs = 300;
/** Shorter than this, a cut connection is back before anybody could have read of it. */
const awayShownAfterMs = 1_500;

export interface LiveFacts {
  readonly connection: Connection;
  readonly hasUnsaved: boolean;
  /** Epoch ms. */
  readonly unsavedSince: number;
  readonly readOnlyReason: string | null;
  readonly isPlayground: boolean;
  readonly journalTrouble: string | undefined;
  readonly bucketTrouble: string | undefined;
  /** Epoch ms. */
  readonly storedAt: number | null;
}

/** What to say of a live notebook's saving. */
export function liveSaveState(facts: LiveFacts, now: number): SaveState {
  const { connection, hasUnsaved } = facts;
  if (connection.kind === 'ended') return { kind: 'failed', reason: endedReason(connection) };
  if (facts.readOnlyReason !== null) {
    const isAway = connection.kind === 'connecting' && now - connection.since >= awayShownAfterMs;
    return { kind: 'read-only', live: { reason: facts.readOnlyReason, isAway } };
  }
  if (connection.kind === 'connecting' && now - connection.since >= awayShownAfterMs) {
    return { kind: 'failed', reason: awayReason(connection.reason, hasUnsaved) };
  }
  if (hasUnsaved && facts.journalTrouble !== undefined) return { kind: 'failed', reason: facts.journalTrouble };
  if (hasUnsaved && now - facts.unsavedSince >= savingShownAfterMs) return { kind: 'saving' };
  return {
    kind: 'saved',
    at: new Date(now),
    live: { isPlayground: facts.isPlayground, storedAt: facts.storedAt, bucketTrouble: facts.bucketTrouble ?? null },
  };
}

/** After how long `liveSaveState` says something else though nothing happened; undefined when it does not. */
export function nextChangeMs(facts: LiveFacts, now: number): number | undefined {
  const times = [
    facts.hasUnsaved ? facts.unsavedSince + savingShownAfterMs : 0,
    facts.connection.kind === 'connecting' ? facts.connection.since + awayShownAfterMs : 0,
  ].filter((time) => time > now);
  return times.length === 0 ? undefined : Math.min(...times) - now + 1;
}

function awayReason(reason: string | null, hasUnsaved: boolean): string {
  const what = reason ?? 'Terrarium cannot be reached.';
  return hasUnsaved
    ? `${what} Your edits are kept in this window and are sent when it is back.`
    : `${what} Everything until now is saved; edits are kept in this window and are sent when it is back.`;
}

function endedReason({ why, reason }: Connection & { kind: 'ended' }): string {
  if (why === 'deleted') return `${reason} What it held is still shown here: use Save Notebook As to keep it.`;
  if (why === 'replaced') return `${reason} What is here is kept as a copy.`;
  return reason;
}
