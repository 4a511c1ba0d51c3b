import { kernelOf } from '../documents/nbformat.ts';

export interface OfferedKernel {
  readonly name: string;
  readonly displayName: string;
  readonly language: string;
}

export type KernelChoice =
  /** `notice` says what a person would not expect. */
  | { readonly kind: 'chosen'; readonly name: string; readonly notice: string | null }
  | { readonly kind: 'none'; readonly reason: string };

/**
 * Which kernel runs a notebook: the one its metadata name. Another one takes its place only where it is the only one
 * of the same language.
 * @param metadata  of the notebook
 */
export function chooseKernel(
  metadata: unknown,
  offered: readonly OfferedKernel[],
  defaultName: string | null,
): KernelChoice {
  const { kernel: wanted, language } = kernelOf(metadata);
  const exact = offered.find(({ name }) => name === wanted);
  if (exact !== undefined) return { kind: 'chosen', name: exact.name, notice: null };
  if (offered.length === 0) return { kind: 'none', reason: 'The environment has no kernels. Choose another image.' };
  if (wanted === null && language === null) {
    const first = offered.find(({ name }) => name === defaultName) ?? offered[0];
    if (first === undefined) throw new Error('offered has a first element');
    const notice = `This notebook does not say which kernel runs it. It runs on "${first.displayName}".`;
    return { kind: 'chosen', name: first.name, notice };
  }
  const related = offered.filter((kernel) => kernel.language.toLowerCase() === language?.toLowerCase());
  const asked =
    wanted === null
      ? `This notebook is written in ${shortened(language ?? '')} and names no kernel`
      : `This notebook asks for the kernel "${shortened(wanted)}", which the environment does not have`;
  const [only] = related;
  if (only !== undefined && related.length === 1) {
    return {
      kind: 'chosen',
      name: only.name,
      notice: `${asked}. It runs on "${only.displayName}", the only kernel here for ${only.language}.`,
    };
  }
  const others = (related.length > 0 ? related : offered).map(({ displayName }) => `"${displayName}"`).join(', ');
  const reason =
    related.length > 0
      ? `${asked}. Choose one of its kernels for ${related[0]?.language ?? ''} in the notebook's kernel menu: ${others}.`
      : `${asked}. Choose one that it has in the notebook's kernel menu: ${others}.`;
  return { kind: 'none', reason };
}

function shortened(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}
