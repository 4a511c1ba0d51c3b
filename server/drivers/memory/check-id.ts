import { AppError } from '@terrarium/contract';

/** @throws AppError InvalidInput */
export function checkId(id: string): void {
  if (!/^[a-z0-9]{1,40}$/.test(id))
    throw new AppError('InvalidInput', 'An id has 1 to 40 lower-case letters and digits.');
}
