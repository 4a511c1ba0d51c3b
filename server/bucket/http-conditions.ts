import { AppError } from '@terrarium/contract';
import type { ObjectInfo } from './object-store.ts';

/** Preconditions of RFC 9110 that a request carries; entity tags are generations in quotes. */
export interface Conditions {
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
}

export function etagOf(info: Pick<ObjectInfo, 'generation'>): string {
  return `"${info.generation}"`;
}

export function conditionsOf(headers: Record<string, string | string[] | undefined>): Conditions {
  const one = (value: string | string[] | undefined) => (Array.isArray(value) ? value.join(', ') : value);
  return { ifMatch: one(headers['if-match']), ifNoneMatch: one(headers['if-none-match']) };
}

function names(header: string, info: ObjectInfo, isWeakAllowed: boolean): boolean {
  const tags = header.match(/(W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => (isWeakAllowed ? tag.replace(/^W\//, '') : tag) === etagOf(info));
}

/** Whether `current` passes; with `null` for an object that does not exist. */
export function matches(conditions: Conditions, current: ObjectInfo | null): boolean {
  const { ifMatch, ifNoneMatch } = conditions;
  if (ifMatch !== undefined) {
    if (current === null) return false;
    if (ifMatch.trim() !== '*' && !names(ifMatch, current, false)) return false;
  }
  if (ifNoneMatch !== undefined && current !== null) {
    if (ifNoneMatch.trim() === '*' || names(ifNoneMatch, current, true)) return false;
  }
  return true;
}

/**
 * The generation that a write must replace so that the conditions hold at the moment of writing, given what is there
 * now. Undefined: whatever is there.
 * @throws AppError PreconditionFailed
 */
export function requiredGeneration(
  conditions: Conditions,
  key: string,
  current: ObjectInfo | null,
): string | 'absent' | undefined {
  if (conditions.ifMatch === undefined && conditions.ifNoneMatch === undefined) return undefined;
  if (!matches(conditions, current)) throw changedMeanwhile(key, current, conditions.ifMatch === undefined);
  return current?.generation ?? 'absent';
}

export function changedMeanwhile(key: string, current: ObjectInfo | null, mustBeAbsent = false): AppError {
  const message = mustBeAbsent
    ? `"${key}" exists already, so it was not written. Choose another name, or replace it on purpose.`
    : current === null
      ? `"${key}" does not exist any more, so it was not changed. Save it under a name, or read the folder again.`
      : `"${key}" was changed since you read it, so it was not changed again. Read it again, then decide.`;
  return new AppError('PreconditionFailed', message, {
    details: { generation: current?.generation ?? null },
  });
}

/**
 * The bytes that a Range header asks for, inclusive. Undefined: all of them, which is also the answer to a range in
 * another unit, a list of ranges, and what is not a range (RFC 9110, 14.2).
 */
export function requestedRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header ?? '');
  if (match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return undefined;
  return start >= size ? 'unsatisfiable' : { start, end };
}
