import { expect, test } from 'vitest';
import { changeBetween, codeToHand } from './handed-variables.ts';

test('a change is what differs, and what is gone', () => {
  expect(changeBetween({ A: '1', B: '2', C: '3' }, { A: '1', B: 'two', D: '4' })).toEqual({
    set: { B: 'two', D: '4' },
    unset: ['C'],
  });
});

test.each(['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'LD_LIBRARY_PATH', 'LD_PRELOAD'])(
  '%s counts at the start',
  (name) => {
    expect(codeToHand('python', { set: { [name]: 'x' }, unset: [] })).toBeNull();
    expect(codeToHand('R', { set: {}, unset: [name] })).toBeNull();
  },
);

test.each([
  'PYTHONPATH',
  'PYTHONHOME',
  'PYTHON_GIL',
  'R_LIBS',
  'R_HOME',
  'R_LIBS_USER',
  'OMP_NUM_THREADS',
  'MPLBACKEND',
])('%s counts at the start', (name) => {
  expect(codeToHand('python', { set: { [name]: 'x' }, unset: [] })).toBeNull();
});

test.each([
  'WORKSPACE_NAME',
  'RUNTIME_NAME',
  'CLUSTER_NAME',
  'GOOGLE_PROJECT',
  'OWNER_EMAIL',
  'COLOUR',
  'LDAP',
  'RATE',
])('%s can be given to a kernel that runs', (name) => {
  expect(codeToHand('python', { set: { [name]: 'x' }, unset: [] })).toBe(
    `__import__('os').environ.update({"${name}": "x"})`,
  );
  expect(codeToHand('R', { set: {}, unset: [name] })).toBe(`invisible(base::Sys.unsetenv(base::c("${name}")))`);
});

test('no other language can be told', () => {
  expect(codeToHand('julia', { set: { COLOUR: 'blue' }, unset: [] })).toBeNull();
});
