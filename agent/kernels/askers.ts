const keptAskers = 10_000;

/** Which session sent which message, so that replies to it go back to that session alone. */
export class Askers {
  readonly #sessions = new Map<string, string>();

  note(msgId: string, session: string): void {
    this.#sessions.set(msgId, session);
    const oldest = this.#sessions.size > keptAskers ? this.#sessions.keys().next().value : undefined;
    if (oldest !== undefined) this.#sessions.delete(oldest);
  }

  of(msgId: string): string | null {
    return this.#sessions.get(msgId) ?? null;
  }
}
