import { EnvironmentStatus } from '@terrarium/contract';
import { describe, expect, test } from 'vitest';
import { defaultMode, nameWithin, notebookActions, offersFor, type ModeFacts } from './modes.ts';

const facts = (role: ModeFacts['role'], canCompute: boolean, environment: ModeFacts['environment'] = null) => ({
  role,
  canCompute,
  environment,
  owner: 'ada@example.org',
});
const possible = (given: ModeFacts) => {
  const offers = offersFor(given);
  return notebookActions.filter((action) => offers[action].problem === undefined);
};
const all = [...notebookActions];
const reading = ['preview', 'history', 'copyToWorkspace', 'download'];

describe('who may do what with a notebook', () => {
  test.each([
    ['READER', false, reading],
    // A reader's right to compute counts from WRITER on, as the server has it.
    ['READER', true, reading],
    ['WRITER', false, all.filter((action) => action !== 'playground')],
    ['WRITER', true, all],
    ['OWNER', false, all.filter((action) => action !== 'playground')],
    ['OWNER', true, all],
  ] as const)('%s, can compute: %s', (role, canCompute, expected) => {
    expect(possible(facts(role, canCompute))).toEqual(expected);
  });

  test('no state of the environment takes a mode away; each says when cells run', () => {
    const hints = new Set<string | undefined>();
    for (const environment of [null, ...EnvironmentStatus.options]) {
      const given = facts('WRITER', true, environment);
      expect(possible(given)).toEqual(all);
      hints.add(offersFor(given).edit.hint);
    }
    expect(hints.size).toBe(5);
    expect(hints).not.toContain(undefined);
  });

  test('what cannot be done says why and whom to ask, and promises nothing', () => {
    const offers = offersFor(facts('READER', false));
    for (const action of notebookActions) {
      const { problem, hint } = offers[action];
      if (problem === undefined) continue;
      expect(problem).toMatch(/Ask ada@example\.org.*\.$/);
      expect(hint).toBeUndefined();
    }
    expect(offersFor(facts('WRITER', false)).playground.problem).not.toMatch(/WRITER/);
    expect(offersFor(facts('WRITER', false)).edit.hint).toMatch(/right to compute: ask ada/);
  });

  test("a notebook's name leads readers to the preview and others to the editor", () => {
    expect(defaultMode(facts('READER', true))).toBe('preview');
    expect(defaultMode(facts('WRITER', false))).toBe('edit');
  });
});

test('a playground is called by the name of its notebook', () => {
  expect(nameWithin('.playground/8f2k/deep.ipynb')).toBe('deep.ipynb');
  expect(nameWithin('a/deep.ipynb')).toBe('a/deep.ipynb');
});
