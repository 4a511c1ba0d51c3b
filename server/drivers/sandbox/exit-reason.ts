import { constants } from 'node:os';

/** What is known about a machine's end. */
export interface EndFacts {
  readonly hostRestarted: boolean;
  readonly exitCode: number | null;
  readonly outOfMemoryKills: number;
  readonly memoryBytes: number;
}

/** Why a machine ended by itself, as a sentence. */
export function exitReason(facts: EndFacts): string {
  if (facts.hostRestarted) return 'The host was restarted.';
  const killed = facts.exitCode === 128 + constants.signals.SIGKILL;
  if (facts.outOfMemoryKills > 0 && (killed || facts.exitCode === null)) {
    return `It ran out of memory (${gibibytes(facts.memoryBytes)} GiB) and was ended.`;
  }
  if (facts.exitCode === null) return 'Its processes ended without leaving a reason.';
  if (facts.exitCode > 128) {
    const name = Object.entries(constants.signals).find(([, number]) => number === facts.exitCode! - 128)?.[0];
    return `It was ended by ${name ?? `signal ${String(facts.exitCode - 128)}`}.`;
  }
  return facts.exitCode === 0
    ? 'Its agent ended by itself.'
    : `Its agent failed with exit code ${String(facts.exitCode)}; its log says more.`;
}

function gibibytes(bytes: number): string {
  return String(Math.round((bytes / 2 ** 30) * 10) / 10);
}
