import { PrepareError } from './failure.mjs';

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** Returned by the work of a step that did nothing: it prints no line. */
export const nothingDone = Symbol('nothing done');

/**
 * One line for every step that did something, with the time it took; on a terminal also a line that moves.
 * @param {NodeJS.WriteStream} [out]
 */
export function createProgress(out = process.stdout) {
  const isTerminal = out.isTTY && process.env['TERM'] !== 'dumb' && process.env['CI'] === undefined;
  /** @type {Map<string, number>} */
  const running = new Map();
  let frame = 0;
  let isLineDrawn = false;
  let stepsDone = 0;

  function clear() {
    if (isLineDrawn) out.write('\r\x1b[2K');
    isLineDrawn = false;
  }
  function draw() {
    if (!isTerminal || running.size === 0) return;
    const parts = [...running].map(([title, startedAt]) => `${title} ${seconds(startedAt, 0)}`);
    const line = `${frames[frame++ % frames.length]} ${parts.join(' · ')}`;
    out.write(`\r\x1b[2K${line.slice(0, (out.columns || 80) - 1)}`);
    isLineDrawn = true;
  }
  const timer = isTerminal ? setInterval(draw, 100) : undefined;
  timer?.unref();

  /** @param {string} text */
  function line(text) {
    clear();
    out.write(`${text}\n`);
    draw();
  }

  return {
    line,
    /** A sentence that a person should see although the work goes on. @param {string} text */
    note(text) {
      line(`! ${text}`);
    },
    get stepsDone() {
      return stepsDone;
    },
    /**
     * @template T
     * @param {{ doing: string, done: string }} words
     * @param {() => Promise<T>} work
     * @returns {Promise<T>}
     */
    async step(words, work) {
      const startedAt = performance.now();
      running.set(words.doing, startedAt);
      try {
        const result = await work();
        running.delete(words.doing);
        if (result !== nothingDone) {
          stepsDone += 1;
          line(`✓ ${words.done.padEnd(52)} ${seconds(startedAt, 1).padStart(7)}`);
        }
        return result;
      } catch (error) {
        running.delete(words.doing);
        if (!(error instanceof PrepareError && error.isInterruption))
          line(`✗ ${words.doing.padEnd(52)} ${seconds(startedAt, 1).padStart(7)}`);
        throw error;
      }
    },
    end() {
      clearInterval(timer);
      clear();
    },
  };
}
/** @typedef {ReturnType<typeof createProgress>} Progress */

/**
 * @param {number} startedAt
 * @param {number} digits
 */
function seconds(startedAt, digits) {
  return `${((performance.now() - startedAt) / 1000).toFixed(digits)} s`;
}
