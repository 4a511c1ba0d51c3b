import { NotebookPath } from '@terrarium/contract';
import { extension } from './names.ts';

const largestMiB = 512;

/** Why a file cannot be stored as a notebook, in a sentence, or undefined when it can. */
export async function notebookFileProblem(file: File): Promise<string | undefined> {
  if (!file.name.endsWith(extension))
    return `This is not a notebook: its name does not end in "${extension}". Other files go under Files.`;
  const name = NotebookPath.safeParse(file.name);
  if (!name.success) return name.error.issues[0]?.message;
  if (file.size > largestMiB * 1024 ** 2) return `A notebook has at most ${String(largestMiB)} MiB.`;
  return notebookTextProblem(await file.text());
}

/** Why a text is not a notebook, or undefined when it is one. */
export function notebookTextProblem(text: string): string | undefined {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return 'This is not a notebook: it is not valid JSON. Check that the file is whole.';
  }
  if (typeof content !== 'object' || content === null || !('nbformat' in content))
    return 'This is not a notebook: it is JSON without the field "nbformat".';
  if (typeof content.nbformat !== 'number' || content.nbformat < 4)
    return 'This notebook has an old format (before version 4). Open and save it in a newer Jupyter first.';
  if (!('cells' in content) || !Array.isArray(content.cells)) return 'This is not a notebook: it has no cells.';
  return undefined;
}
