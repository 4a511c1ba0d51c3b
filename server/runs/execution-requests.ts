import type { JsonObject } from '../documents/json-object.ts';
import type { KernelRequest } from './kernel-messages.ts';
import { hasTag, metadataOf, sourceOf, type SharedCell } from './shared-cells.ts';

/** What runs a cell, as JupyterLab sends it. @see @jupyterlab/cells, CodeCell.execute */
export function executeRequest(msgId: string, cell: SharedCell, code: string = sourceOf(cell)): KernelRequest {
  const { execution: _, ...metadata } = metadataOf(cell);
  return {
    msgId,
    type: 'execute_request',
    channel: 'shell',
    parentHeader: {},
    metadata: { ...metadata, cellId: cell.get('id'), deletedCells: [] },
    content: {
      code,
      silent: false,
      store_history: true,
      user_expressions: {},
      allow_stdin: true,
      stop_on_error: !hasTag(cell, 'raises-exception'),
    },
  };
}

export function inputReply(msgId: string, question: JsonObject, value: string): KernelRequest {
  return {
    msgId,
    type: 'input_reply',
    channel: 'stdin',
    parentHeader: question,
    metadata: {},
    content: { status: 'ok', value },
  };
}
