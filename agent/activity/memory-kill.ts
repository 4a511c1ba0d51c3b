/** A kill for want of memory: what the killed had come to, and what the environment may hold. */
export interface MemoryKill {
  readonly peakBytes: number | null;
  /** Null where nobody has set a limit, so that the machine itself ran out. */
  readonly memoryLimitBytes: number | null;
}

const gibibyte = 1024 ** 3;

/** What to tell about it. Twice the limit is suggested, in whole GiB. */
export function memoryAdvice(
  what: string,
  { peakBytes, memoryLimitBytes: limit }: MemoryKill,
): { suggestedGiB: number | null; sentence: string } {
  const happened = `${what} ran out of memory and was killed`;
  if (limit === null) {
    const reached = peakBytes === null ? '' : `, at ${inGiB(peakBytes)} of its own`;
    return {
      suggestedGiB: null,
      sentence: `${happened}${reached}: the machine has no more to give. Use less memory, or end what else runs.`,
    };
  }
  const suggestedGiB = Math.ceil((2 * limit) / gibibyte);
  const reached =
    peakBytes === null
      ? `the environment has ${inGiB(limit)}`
      : `it reached ${inGiB(peakBytes)} of the environment's ${inGiB(limit)}`;
  return {
    suggestedGiB,
    sentence: `${happened}: ${reached}. Restart it with ${String(suggestedGiB)} GiB, or use less memory.`,
  };
}

function inGiB(bytes: number): string {
  return `${String(Math.round((bytes / gibibyte) * 10) / 10)} GiB`;
}
