import * as z from 'zod';

// Control characters (C0, DEL, C1), line separators, and the bidirectional and zero-width characters that make one
// name look like another.
// eslint-disable-next-line no-control-regex
const hidden = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/u;

/** The text with its control characters and invisible ones written out, so that it reads as what it is. */
export function visibly(text: string): string {
  return text.replace(
    new RegExp(hidden, 'gu'),
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

const encoder = new TextEncoder();
const byteLength = (text: string): number => encoder.encode(text).byteLength;

/** What a person is called, as others see it. */
export const PersonName = z
  .string()
  .trim()
  .max(100, 'A name has at most 100 characters.')
  .refine(
    (name) => !hidden.test(name) && name.isWellFormed(),
    'A name has no control characters and no invisible ones.',
  );

/** Name of a billing project, which is also the namespace of its workspaces. */
export const BillingProjectName = z
  .string()
  .min(3, 'A billing project name has at least 3 characters.')
  .max(30, 'A billing project name has at most 30 characters.')
  .regex(
    /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
    'A billing project name starts with a letter and has only lower-case letters, digits and single dashes between them.',
  );

export const WorkspaceName = z
  .string()
  .min(1, 'A workspace needs a name.')
  .max(60, 'A workspace name has at most 60 characters.')
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]*$/,
    'A workspace name starts with a letter or digit and has only letters, digits, dashes and underscores.',
  );

/** Name of an environment or a disk, unique for its owner within a workspace. */
export const ResourceName = z
  .string()
  .min(1, 'A name is needed.')
  .max(40, 'A name has at most 40 characters.')
  .regex(
    /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
    'A name starts with a letter and has only lower-case letters, digits and single dashes between them.',
  );

/**
 * Says why `key` cannot be an object key or a path on a disk, or undefined when it can. The same rule holds in every
 * driver, so that a key maps to one path and never leaves its root.
 * A trailing slash marks a folder.
 */
export function objectKeyProblem(key: string): string | undefined {
  if (key === '') return 'A name is needed.';
  if (byteLength(key) > 900) return 'The whole path has at most 900 bytes.';
  if (key.startsWith('/')) return 'A path does not start with a slash.';
  if (key.includes('\\')) return 'A name has no backslash.';
  if (hidden.test(key)) return 'A name has no control characters and no invisible ones.';
  if (!key.isWellFormed()) return 'A name is valid Unicode text.';
  const segments = (key.endsWith('/') ? key.slice(0, -1) : key).split('/');
  for (const segment of segments) {
    if (segment === '') return 'A path has no empty folder name.';
    if (segment === '.' || segment === '..') return `A path has no "${segment}" in it.`;
    if (byteLength(segment) > 200) return 'Each name in a path has at most 200 bytes.';
    if (segment !== segment.trim()) return 'A name does not start or end with a space.';
  }
  return undefined;
}

export const ObjectKey = z.string().superRefine((key, context) => {
  const problem = objectKeyProblem(key);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

/** Path of a notebook relative to `notebooks/`, ending in `.ipynb`. */
export const NotebookPath = z.string().superRefine((path, context) => {
  const problem =
    objectKeyProblem(path) ??
    (path.endsWith('.ipynb') && path.length > '.ipynb'.length && !path.endsWith('/.ipynb')
      ? undefined
      : 'A notebook name ends in ".ipynb".');
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

/** Where playgrounds are, relative to `notebooks/`. */
const playgroundFolder = '.playground/';

/** A playground that nobody used for so many days is deleted. */
export const playgroundDays = 14;

/** Whether a notebook's path, relative to `notebooks/`, is that of a playground: a private copy, in no bucket. */
export function isPlaygroundPath(path: string): boolean {
  return path.startsWith(playgroundFolder);
}

/** The path of a notebook that is to be made: not where playgrounds are. */
export const NewNotebookPath = NotebookPath.refine((path) => !isPlaygroundPath(path), {
  error: 'The folder ".playground" is kept for playgrounds. Choose another.',
});

/** The path relative to `notebooks/` of a file that Jupyter knows by `path`, or null when that is no notebook there. */
export function notebookPathOf(path: string): string | null {
  const relative = path.startsWith('notebooks/') ? path.slice('notebooks/'.length) : '';
  return NotebookPath.safeParse(relative).success ? relative : null;
}

/**
 * An e-mail address that names a person, in lower case, so that one address has one account. ASCII alone: a letter of
 * another script can look like ours, and some become ours in lower case. International domains are written as xn--….
 * @see HTML, valid e-mail address
 */
export const EmailAddress = z
  .string()
  .trim()
  .min(1, { error: 'Enter an e-mail address.', abort: true })
  .max(254, { error: 'An e-mail address has at most 254 characters.', abort: true })
  .regex(
    /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/,
    { error: 'This is no e-mail address. It looks like name@example.org, without spaces or accents.', abort: true },
  )
  .toLowerCase();

export const Description = z.string().max(20_000, 'A description has at most 20000 characters.');
