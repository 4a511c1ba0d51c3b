import { randomUUID } from 'node:crypto';
import {
  composeMessage,
  headerFacts,
  jsonObject,
  newHeader,
  type Channel,
  type WireMessage,
} from '../../agent/kernels/wire.ts';

export interface Execution {
  /** Text of the result, or what was printed; empty when there was none. */
  readonly text: string;
  /** When the result arrived, by `performance.now()`. */
  readonly resultAt: number;
  /** When both the reply and the idle status had arrived, which is when a notebook shows the cell as done. */
  readonly doneAt: number;
}

interface Pending {
  text: string;
  resultAt: number;
  hasReply: boolean;
  isIdle: boolean;
  resolve(execution: Execution): void;
  reject(error: Error): void;
}

/** The same accounting for every way of reaching a kernel: what is sent, and when a cell counts as done. */
export class Executions {
  readonly #session = randomUUID();
  readonly #pending = new Map<string, Pending>();

  begin(code: string): { message: WireMessage; done: Promise<Execution> } {
    const header = newHeader('execute_request', this.#session);
    const content = {
      code,
      silent: false,
      store_history: true,
      user_expressions: {},
      allow_stdin: false,
      stop_on_error: true,
    };
    const done = new Promise<Execution>((resolve, reject) => {
      const pending = { text: '', resultAt: NaN, hasReply: false, isIdle: false, resolve, reject };
      this.#pending.set(String(header['msg_id']), pending);
    });
    return { message: composeMessage({ header, content }), done };
  }

  receive(channel: Channel, message: WireMessage): void {
    const { msgType } = headerFacts(message.header);
    const { msgId } = headerFacts(message.parentHeader);
    const pending = this.#pending.get(msgId);
    if (pending === undefined) return;
    const content = jsonObject(message.content) ?? {};
    if (msgType === 'execute_result' || msgType === 'stream') {
      pending.resultAt = performance.now();
      pending.text += textOf(content);
    } else if (channel === 'shell') pending.hasReply = true;
    else if (msgType === 'status' && content['execution_state'] === 'idle') pending.isIdle = true;
    else if (msgType === 'error') pending.reject(new Error(`The cell failed: ${String(content['evalue'])}`));
    if (!pending.hasReply || !pending.isIdle) return;
    this.#pending.delete(msgId);
    pending.resolve({ text: pending.text, resultAt: pending.resultAt, doneAt: performance.now() });
  }

  fail(error: Error): void {
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
  }
}

function textOf(content: Record<string, unknown>): string {
  const { text, data } = content;
  if (typeof text === 'string') return text;
  const plain: unknown = typeof data === 'object' && data !== null ? Reflect.get(data, 'text/plain') : '';
  return typeof plain === 'string' ? plain : '';
}
