import { AppError } from '@terrarium/contract';
import type * as z from 'zod';

export type FieldErrors = Record<string, string>;

/** The schema's complaints, the first for each field, keyed like the fields of an AppError. */
export function fieldErrors(schema: z.ZodType, value: unknown): FieldErrors {
  const result = schema.safeParse(value);
  const errors: FieldErrors = {};
  for (const issue of result.error?.issues ?? []) {
    // For a wrong name in a record, what is wrong with it is one level down.
    const message = issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined;
    errors[issue.path.map(String).join('.')] ??= message ?? issue.message;
  }
  return errors;
}

/**
 * Splits what the server said about a form: complaints about fields that the form shows go to those fields, the rest is
 * told as a whole.
 */
export function serverErrors(error: unknown, shownFields: readonly string[]): { fields: FieldErrors; rest: unknown } {
  if (!(error instanceof AppError) || error.fields === undefined) return { fields: {}, rest: error };
  const fields: FieldErrors = {};
  let isPlaced = false;
  for (const [name, message] of Object.entries(error.fields)) {
    const shown = shownFields.find((field) => name === field || name.startsWith(`${field}.`));
    if (shown === undefined) continue;
    fields[shown] ??= message;
    isPlaced = true;
  }
  return { fields, rest: isPlaced ? null : error };
}
