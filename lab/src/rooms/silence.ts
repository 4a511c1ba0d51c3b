/** A timer that comes later than this was held up by the page itself. */
const lateMs = 1_000;
const mostPatience = 16;

/** Notices that nothing is heard any more. */
export class Silence {
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Grows with every silence, so that a large message over a slow line gets through in the end. */
  #patience = 1;

  /** Calls `onSilence` unless `heard` is called within this time. What is expected already stays expected. */
  expect(withinMs: number, onSilence: () => void): void {
    if (this.#timer !== undefined) return;
    const wait = withinMs * this.#patience;
    const dueAt = Date.now() + wait;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // A page that slept or was busy has not read yet what may have come meanwhile.
      if (Date.now() - dueAt > lateMs) {
        this.expect(withinMs, onSilence);
        return;
      }
      this.#patience = Math.min(this.#patience * 2, mostPatience);
      onSilence();
    }, wait);
  }

  heard(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** What was asked for was answered in time. */
  calm(): void {
    this.#patience = 1;
  }
}
