import { AppError, endpoints, EnvironmentCreate } from '@terrarium/contract';
import { expect, test } from 'vitest';
import { fieldErrors, serverErrors } from './form.ts';

test('a form says before sending what the server would say', () => {
  expect(fieldErrors(endpoints.createWorkspace.body, { namespace: 'my-lab', name: '../x' })).toEqual({
    name: 'A workspace name starts with a letter or digit and has only letters, digits, dashes and underscores.',
  });
  expect(fieldErrors(endpoints.createWorkspace.body, { namespace: 'my-lab', name: 'x' })).toEqual({});
});

test('a wrong variable name is told at that variable', () => {
  expect(fieldErrors(EnvironmentCreate, { environmentVariables: { '9a': 'x' } })).toEqual({
    'environmentVariables.9a': 'A variable name has letters, digits and underscores, and does not start with a digit.',
  });
});

test('what the server refuses goes to the field, or is told as a whole', () => {
  const refused = new AppError('InvalidInput', 'Taken.', { fields: { name: 'Taken.' } });
  expect(serverErrors(refused, ['name'])).toEqual({ fields: { name: 'Taken.' }, rest: null });
  expect(serverErrors(refused, ['size'])).toEqual({ fields: {}, rest: refused });
  const other = new AppError('StorageFull', 'Full.');
  expect(serverErrors(other, ['name'])).toEqual({ fields: {}, rest: other });
});
