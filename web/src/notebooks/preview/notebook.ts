import * as z from 'zod';

const Text = z
  .union([z.string(), z.array(z.string())])
  .transform((text) => (typeof text === 'string' ? text : text.join('')));

/** Text, or for JSON media types whatever the value is. */
const Bundle = z.record(z.string(), z.unknown());
export type MimeBundle = z.infer<typeof Bundle>;

const Output = z.discriminatedUnion('output_type', [
  z.object({ output_type: z.literal('stream'), name: z.string().catch('stdout'), text: Text }),
  z.object({ output_type: z.literal('display_data'), data: Bundle.catch({}) }),
  z.object({
    output_type: z.literal('execute_result'),
    data: Bundle.catch({}),
    execution_count: z.number().nullish().catch(null),
  }),
  z.object({
    output_type: z.literal('error'),
    ename: z.string().catch('Error'),
    evalue: z.string().catch(''),
    traceback: z.array(z.string()).catch([]),
  }),
]);
export type Output = z.infer<typeof Output>;

const Attachments = z.record(z.string(), z.record(z.string(), Text)).optional().catch(undefined);
export type Attachments = Record<string, Record<string, string>>;

const Cell = z.discriminatedUnion('cell_type', [
  z.object({ cell_type: z.literal('markdown'), source: Text, attachments: Attachments }),
  z.object({ cell_type: z.literal('raw'), source: Text }),
  z.object({
    cell_type: z.literal('code'),
    source: Text,
    execution_count: z.number().nullish().catch(null),
    outputs: z.array(z.unknown()).catch([]),
  }),
]);

export type PreviewCell =
  | { readonly kind: 'markdown'; readonly source: string; readonly attachments: Attachments }
  | { readonly kind: 'raw'; readonly source: string }
  | {
      readonly kind: 'code';
      readonly source: string;
      readonly executionCount: number | null;
      readonly outputs: readonly Output[];
    }
  /** A cell that is not as nbformat says; shown as what it is. */
  | { readonly kind: 'unknown'; readonly source: string };

/** `id` is the cell's own where it has one that no cell before it has; it tells cells apart while others come and go. */
export type PlacedCell = PreviewCell & { readonly id: string };

export interface PreviewNotebook {
  readonly language: string;
  readonly cells: readonly PlacedCell[];
}

const Id = z.object({ id: z.string().regex(/^[\w-]+$/) });

const Notebook = z.object({
  metadata: z
    .object({
      kernelspec: z.object({ language: z.string().optional() }).optional().catch(undefined),
      language_info: z.object({ name: z.string().optional() }).optional().catch(undefined),
    })
    .catch({}),
  cells: z.array(z.unknown()),
});

/**
 * Reads nbformat 4, forgiving of what tools leave out: one odd cell or output does not hide the rest.
 * @throws Error  with a sentence, when it is not a notebook at all
 */
export function parseNotebook(text: string): PreviewNotebook {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new Error('This file is not valid JSON, so it cannot be shown as a notebook.');
  }
  const notebook = Notebook.safeParse(content);
  if (!notebook.success) throw new Error('This file is JSON, but not a notebook of format 4.');
  const { metadata, cells } = notebook.data;
  return {
    language: metadata.language_info?.name ?? metadata.kernelspec?.language ?? 'python',
    cells: withIds(cells),
  };
}

/** Whether there is nothing in it to see, as in one that was just made. */
export function isEmpty({ cells }: PreviewNotebook): boolean {
  return cells.every((cell) => cell.source.trim() === '' && (cell.kind !== 'code' || cell.outputs.length === 0));
}

function withIds(cells: readonly unknown[]): PlacedCell[] {
  const taken = new Set<string>();
  return cells.map((content, index) => {
    const own = Id.safeParse(content);
    const id = own.success && !taken.has(own.data.id) ? own.data.id : `#${String(index)}`;
    taken.add(id);
    return { ...previewCell(content), id };
  });
}

/** Reads one cell of nbformat 4. */
export function previewCell(content: unknown): PreviewCell {
  const parsed = Cell.safeParse(content);
  if (!parsed.success) return { kind: 'unknown', source: JSON.stringify(content, null, 2) };
  const cell = parsed.data;
  switch (cell.cell_type) {
    case 'markdown':
      return { kind: 'markdown', source: cell.source, attachments: cell.attachments ?? {} };
    case 'raw':
      return { kind: 'raw', source: cell.source };
    case 'code':
      return {
        kind: 'code',
        source: cell.source,
        executionCount: cell.execution_count ?? null,
        outputs: joinStreams(
          cell.outputs.flatMap((output) => {
            const known = Output.safeParse(output);
            return known.success ? [known.data] : [];
          }),
        ),
      };
  }
}

/** Kernels flush streams in pieces; a reader sees one text. */
function joinStreams(outputs: readonly Output[]): Output[] {
  const joined: Output[] = [];
  for (const output of outputs) {
    const last = joined.at(-1);
    if (output.output_type === 'stream' && last?.output_type === 'stream' && last.name === output.name)
      joined[joined.length - 1] = { ...last, text: last.text + output.text };
    else joined.push(output);
  }
  return joined;
}

/** The text of a media type in a bundle, or undefined when it is not there as text. */
export function textOf(data: MimeBundle, type: string): string | undefined {
  const text = Text.safeParse(data[type]);
  return text.success ? text.data : undefined;
}
