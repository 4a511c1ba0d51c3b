import { describe, expect, test } from 'vitest';
import { liveSaveState, nextChangeMs, type LiveFacts } from './live-save-state.ts';

const now = 1_000_000;
const calm: LiveFacts = {
  connection: { kind: 'connected' },
  hasUnsaved: false,
  unsavedSince: 0,
  readOnlyReason: null,
  isPlayground: false,
  journalTrouble: undefined,
  bucketTrouble: undefined,
  storedAt: now - 3_000,
};
const away = (ms: number, reason: string | null = null) => ({ kind: 'connecting', since: now - ms, reason }) as const;
const changed = (ms: number) => ({ hasUnsaved: true, unsavedSince: now - ms });

describe('what is said of saving', () => {
  test.each<[string, Partial<LiveFacts>, string]>([
    ['everything is on disk', {}, 'saved'],
    ['a change was sent a moment ago', changed(100), 'saved'],
    ['a change was sent a while ago', changed(400), 'saving'],
    ['the connection was cut a moment ago', { connection: away(500) }, 'saved'],
    ['the connection was cut a moment ago, with a change', { connection: away(500), ...changed(600) }, 'saving'],
    ['there is no connection', { connection: away(5_000) }, 'failed'],
    ['there is no connection, and a change', { connection: away(5_000), ...changed(4_000) }, 'failed'],
    ['a change has just been made without a connection', { connection: away(60_000), ...changed(0) }, 'failed'],
    ['the journal cannot be written', { ...changed(50), journalTrouble: 'The disk is full.' }, 'failed'],
    ['the journal cannot be written, and nothing waits for it', { journalTrouble: 'The disk is full.' }, 'saved'],
    ['the bucket cannot be written', { bucketTrouble: 'The bucket does not answer.' }, 'saved'],
    ['it may only be read', { readOnlyReason: 'You may read.', ...changed(9_000) }, 'read-only'],
    ['it was deleted', { connection: { kind: 'ended', why: 'deleted', reason: 'It was deleted.' } }, 'failed'],
  ])('when %s', (_, facts, kind) => {
    expect(liveSaveState({ ...calm, ...facts }, now).kind).toBe(kind);
  });

  test('the reason says what becomes of the edits', () => {
    expect(liveSaveState({ ...calm, connection: away(5_000), ...changed(4_000) }, now)).toEqual({
      kind: 'failed',
      reason: 'Terrarium cannot be reached. Your edits are kept in this window and are sent when it is back.',
    });
    expect(liveSaveState({ ...calm, connection: away(5_000, 'You are signed out.') }, now)).toMatchObject({
      reason: expect.stringMatching(/^You are signed out\. Everything until now is saved/) as string,
    });
  });
});

test('it is looked at again exactly when something else would be said', () => {
  expect(nextChangeMs(calm, now)).toBeUndefined();
  for (const facts of [
    { ...calm, ...changed(0) },
    { ...calm, connection: away(0) },
    { ...calm, connection: away(0), ...changed(0) },
    { ...calm, connection: away(60_000), ...changed(0) },
  ]) {
    let time = now;
    for (let next = nextChangeMs(facts, time); next !== undefined; next = nextChangeMs(facts, time)) {
      const before = liveSaveState(facts, time).kind;
      expect(liveSaveState(facts, time + next - 2).kind).toBe(before);
      time += next;
    }
    expect(liveSaveState(facts, time).kind).toBe(liveSaveState(facts, time + 3_600_000).kind);
  }
});
