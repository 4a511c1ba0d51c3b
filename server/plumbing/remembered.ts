import type { Clock } from './clock.ts';

const rememberedMs = 10_000;

/** Asks again only after a while: what a driver offers seldom changes. */
export function remembered<T>(ask: () => Promise<T>, clock: Clock): () => Promise<T> {
  let answer: { at: number; value: Promise<T> } | undefined;
  return () => {
    if (answer === undefined || clock.now() - answer.at > rememberedMs) {
      const value = ask();
      answer = { at: clock.now(), value };
      value.catch(() => {
        answer = undefined;
      });
    }
    return answer.value;
  };
}
