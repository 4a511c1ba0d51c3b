import type { Notebook } from '../../server/documents/nbformat.ts';

/** A notebook of about so many bytes as a file: cells of code, each with what it printed. */
export function notebookOf({ cells, bytes }: { cells: number; bytes: number }): Notebook {
  const line = 'epoch 12: loss 0.03127, accuracy 0.98414, 1.2 s\n';
  // A cell of its own takes about 200 bytes, and each printed line 8 more than its text.
  const lines = Math.max(1, Math.round((bytes / cells - 200) / (line.length + 8)));
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' } },
    cells: Array.from({ length: cells }, (_, index) => ({
      id: `c${String(index)}`,
      cell_type: 'code',
      metadata: {},
      source: `model_${String(index)} = fit(data, rate=0.01)`,
      outputs: [{ output_type: 'stream', name: 'stdout', text: line.repeat(lines) }],
      execution_count: index + 1,
    })),
  };
}
