import { NotebookPath } from '@terrarium/contract';

export const extension = '.ipynb';

/** What a person calls a notebook: its path without the extension. */
export function titleOf(path: string): string {
  return path.endsWith(extension) ? path.slice(0, -extension.length) : path;
}

/** The path for a name that a person typed, with or without the extension. */
export function pathOf(title: string): string {
  return title.endsWith(extension) ? title : `${title}${extension}`;
}

/** Why there cannot be a notebook of that name, or undefined when there can. */
export function titleProblem(title: string, existing: readonly string[]): string | undefined {
  if (title === '' || title === extension) return 'A notebook needs a name.';
  const path = pathOf(title);
  const parsed = NotebookPath.safeParse(path);
  if (!parsed.success) return parsed.error.issues[0]?.message;
  if (existing.includes(path)) return `There is a notebook "${titleOf(path)}" already.`;
  return undefined;
}

/** "Untitled", "Untitled 2", …: the first that is free. */
export function freeTitle(wanted: string, existing: readonly string[]): string {
  if (!existing.includes(pathOf(wanted))) return wanted;
  let number = 2;
  while (existing.includes(pathOf(`${wanted} ${String(number)}`))) number += 1;
  return `${wanted} ${String(number)}`;
}

const languageTitles: Record<string, string> = {
  python: 'Python',
  r: 'R',
  julia: 'Julia',
  scala: 'Scala',
  bash: 'Bash',
};

/** A language as one writes it. */
export function languageTitle(language: string): string {
  return languageTitles[language.toLowerCase()] ?? language;
}
