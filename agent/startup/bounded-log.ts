export interface LogLimits {
  readonly firstCharacters: number;
  readonly lastCharacters: number;
}

/** What a program printed: its beginning and its end, however much lies between. Offsets count all characters. */
export class BoundedLog {
  readonly #limits: LogLimits;
  #first = '';
  /** Pieces as they came; the oldest go first. */
  #last: string[] = [];
  #lastLength = 0;
  #length = 0;

  constructor(limits: LogLimits = { firstCharacters: 64 * 1024, lastCharacters: 192 * 1024 }) {
    this.#limits = limits;
  }

  /** How many characters were printed, those left out counted. */
  get length(): number {
    return this.#length;
  }

  append(text: string): void {
    this.#length += text.length;
    const room = this.#limits.firstCharacters - this.#first.length;
    this.#first += text.slice(0, Math.max(0, room));
    const rest = text.slice(Math.max(0, room));
    if (rest === '') return;
    this.#last.push(rest);
    this.#lastLength += rest.length;
    for (let excess = this.#lastLength - this.#limits.lastCharacters; excess > 0;) {
      const oldest = this.#last[0] ?? '';
      const cut = Math.min(excess, oldest.length);
      if (cut === oldest.length) this.#last.shift();
      // A copy, since a slice would keep the whole piece in memory.
      else this.#last[0] = Buffer.from(oldest.slice(cut)).toString();
      this.#lastLength -= cut;
      excess -= cut;
    }
  }

  /** What was printed from `offset` on. Where a part of that is left out, a line says how much. */
  from(offset: number): string {
    const lastStart = this.#length - this.#lastLength;
    const first = this.#first.slice(Math.min(offset, this.#first.length));
    if (offset >= lastStart) return this.#last.join('').slice(offset - lastStart);
    const missing = lastStart - Math.max(offset, this.#first.length);
    const notice = missing > 0 ? `\n[${missing.toLocaleString('en')} characters are left out here]\n` : '';
    return first + notice + this.#last.join('');
  }
}
