import { URLExt } from '@jupyterlab/coreutils';
import { type KernelMessage, ServerConnection } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';
import * as z from 'zod';

const Execution = z.object({
  msgId: z.string(),
  cellId: z.string().nullable(),
  state: z.enum(['queued', 'running', 'done']),
  endedAt: z.number().nullable(),
  executionCount: z.number().nullable(),
  firstSeq: z.number(),
});
/** One execution that the agent knows of, whichever window asked for it. */
export type Execution = z.infer<typeof Execution>;

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

// The kernel's messages are checked as far as the code here reads them; what they say is for the output area.
const Line = z.object({
  seq: z.number(),
  direction: z.enum(['in', 'out']),
  channel: z.custom<KernelMessage.Channel>((value) => typeof value === 'string'),
  header: z.custom<KernelMessage.IHeader>(
    (value) => isRecord(value) && typeof value['msg_id'] === 'string' && typeof value['msg_type'] === 'string',
  ),
  parent_header: z.custom<KernelMessage.IHeader | Record<never, never>>(isRecord),
  metadata: z.custom<JSONObject>(isRecord),
  content: z.custom<KernelMessage.IMessage['content']>(isRecord),
  buffers: z.array(z.string()),
});

/** One message to (`in`) or from (`out`) a kernel, with its place in the order of all of them. */
export interface JournalLine {
  readonly seq: number;
  readonly direction: 'in' | 'out';
  readonly message: KernelMessage.IMessage;
}

/** The executions of a kernel in the order they were asked for; empty where the kernel keeps no journal. */
export async function fetchExecutions(settings: ServerConnection.ISettings, kernelId: string): Promise<Execution[]> {
  const url = URLExt.join(settings.baseUrl, 'agent/kernels', encodeURIComponent(kernelId), 'executions');
  const response = await ServerConnection.makeRequest(url, { cache: 'no-store' }, settings);
  if (response.status === 404) return [];
  if (!response.ok) throw await ServerConnection.ResponseError.create(response);
  return z.object({ executions: z.array(Execution) }).parse(await response.json()).executions;
}

/**
 * What a kernel received and sent after `after`, in order.
 * @param parent  only what belongs to this request
 */
export async function fetchJournal(
  settings: ServerConnection.ISettings,
  kernelId: string,
  options: { after: number; parent?: string },
): Promise<JournalLine[]> {
  const query = new URLSearchParams({ after: String(options.after) });
  if (options.parent !== undefined) query.set('parent', options.parent);
  const url = URLExt.join(settings.baseUrl, 'agent/kernels', encodeURIComponent(kernelId), 'journal');
  const response = await ServerConnection.makeRequest(`${url}?${query}`, { cache: 'no-store' }, settings);
  if (!response.ok) throw await ServerConnection.ResponseError.create(response);
  const text = await response.text();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => toJournalLine(Line.parse(JSON.parse(line))));
}

function toJournalLine(line: z.infer<typeof Line>): JournalLine {
  const { seq, direction, channel, header, parent_header, metadata, content, buffers } = line;
  return {
    seq,
    direction,
    message: {
      channel,
      header,
      parent_header,
      metadata,
      content,
      buffers: buffers.map((text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0)).buffer),
    },
  };
}
