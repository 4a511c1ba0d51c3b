import type { Kernel } from '@terrarium/contract';
import { describe, expect, test } from 'vitest';
import { kernelActionProblem, kernelActions, kernelActionWarning } from './kernel-actions.ts';

const kernel = (state: Kernel['state'], notebook: string | null = 'a.ipynb') => ({ state, notebook, execution: null });

describe('what can be done to a kernel', () => {
  test.each([
    ['idle', ['restart', 'restartAndRunAll', 'shutDown']],
    ['busy', ['interrupt', 'restart', 'restartAndRunAll', 'shutDown']],
    ['starting', ['shutDown']],
    ['restarting', ['shutDown']],
    ['dead', ['restart', 'restartAndRunAll', 'shutDown']],
  ] as const)('while it is %s', (state, possible) => {
    expect(
      kernelActions.filter((action) => kernelActionProblem(action, kernel(state), undefined) === undefined),
    ).toEqual(possible);
  });

  test('running all takes a notebook', () => {
    expect(kernelActionProblem('restartAndRunAll', kernel('idle', null), undefined)).toMatch(/no notebook/);
  });

  test('without the right to compute nothing can, and each says why', () => {
    for (const action of kernelActions)
      expect(kernelActionProblem(action, kernel('busy'), 'Ask Ada.')).toBe('Ask Ada.');
  });

  test('whatever loses something asks first, and says that a running cell stops', () => {
    expect(kernelActions.filter((action) => kernelActionWarning(action, kernel('idle')) === undefined)).toEqual([
      'interrupt',
    ]);
    expect(kernelActionWarning('restart', kernel('idle'))?.lost).not.toMatch(/cell/);
    expect(kernelActionWarning('shutDown', kernel('busy'))?.lost).toMatch(/the cell that runs now is stopped/);
  });
});
