import type { RoomMessage } from './messages.ts';

/** A message was not sent, or its answer did not come, because there is no connection. */
export class ConnectionLost extends Error {
  constructor() {
    super('Terrarium cannot be reached just now.');
  }
}

/** Messages of ours that wait for their answers. */
export class Requests {
  readonly #answerMs: number;
  readonly #waiting = new Map<string, PromiseWithResolvers<RoomMessage>>();

  /** @param answerMs  how long a message may wait for its answer */
  constructor(answerMs: number) {
    this.#answerMs = answerMs;
  }

  /**
   * Sends a message with a mark of its own, `request`, which its answer has as well.
   * @param send  answers whether there is a connection to send it over
   * @throws Error  when there is no connection, or it ends before the answer, or no answer comes
   */
  ask(message: RoomMessage, send: (message: RoomMessage) => boolean): Promise<RoomMessage> {
    const request = crypto.randomUUID();
    const reply = Promise.withResolvers<RoomMessage>();
    const timer = setTimeout(() => reply.reject(new Error('Terrarium did not answer.')), this.#answerMs);
    this.#waiting.set(request, reply);
    if (!send({ ...message, request })) reply.reject(new ConnectionLost());
    return reply.promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(request);
    });
  }

  /** @returns whether it was an answer */
  take(message: RoomMessage): boolean {
    const request = message['request'];
    const reply = typeof request === 'string' ? this.#waiting.get(request) : undefined;
    reply?.resolve(message);
    return reply !== undefined;
  }

  /** The connection is gone, and with it every answer. */
  lose(): void {
    for (const { reject } of this.#waiting.values()) reject(new ConnectionLost());
  }
}
