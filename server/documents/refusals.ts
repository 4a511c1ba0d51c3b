import { AppError } from '@terrarium/contract';

/** @param reason  continues the sentence */
export function notANotebook(path: string, reason: string): AppError {
  return new AppError('InvalidInput', `"${path}" is not a notebook: ${reason}`);
}

/** @param path  of the notebook, or its key: people know it by its path */
export function noSuchNotebook(path: string): AppError {
  return new AppError('NotFound', `There is no notebook "${path.replace(/^notebooks\//, '')}" here.`);
}
