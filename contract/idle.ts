import type { Environment } from './resources.ts';

type IdleFacts = Pick<
  Environment,
  'status' | 'sleepsAt' | 'pausesAt' | 'keepRunningUntil' | 'pausesWhenIdle' | 'busyReasons'
>;

export interface IdleNotice {
  readonly kind: 'pausesWhenIdle' | 'kept' | 'sleeps' | 'pauses' | 'busy';
  readonly text: string;
  /** The same in a few words, for where there is little room. */
  readonly brief: string;
  /** Whether it is so near that it should catch the eye. */
  readonly isUrgent: boolean;
}

const urgentMs = 2 * 60_000;
const soonMs = 10 * 60_000;

/** What is to be known about sleep and pause now, the nearest first; undefined while there is nothing to say. */
export function idleNotice(environment: IdleFacts, now: number): IdleNotice | undefined {
  const { status, busyReasons, keepRunningUntil } = environment;
  if (status !== 'Running' && status !== 'Asleep') return undefined;
  if (environment.pausesWhenIdle)
    return notice('pausesWhenIdle', 'Pauses when what runs now has ended', 'Pauses when done');
  if (keepRunningUntil !== null && Date.parse(keepRunningUntil) > now) {
    const until = clockTime(keepRunningUntil, now);
    return notice('kept', `Kept running until ${until}`, `Kept until ${until}`);
  }
  const next = [
    { kind: 'sleeps' as const, word: 'Sleeps', at: status === 'Running' ? environment.sleepsAt : null },
    { kind: 'pauses' as const, word: 'Pauses', at: environment.pausesAt },
  ]
    .flatMap(({ at, ...rest }) => (at === null ? [] : [{ ...rest, inMs: Date.parse(at) - now }]))
    .filter(({ inMs }) => inMs < soonMs)
    .toSorted((left, right) => left.inMs - right.inMs)[0];
  if (next !== undefined) {
    const text = `${next.word} ${countdown(next.inMs)}`;
    return { ...notice(next.kind, text, text), isUrgent: next.inMs <= urgentMs };
  }
  const [reason] = busyReasons;
  if (status === 'Running' && reason !== undefined) {
    const others = busyReasons.length - 1;
    const text = `Kept running: ${reason}${others === 0 ? '' : ` and ${String(others)} more`}`;
    return notice('busy', text, 'At work');
  }
  return undefined;
}

function notice(kind: IdleNotice['kind'], text: string, brief: string): IdleNotice {
  return { kind, text, brief, isUrgent: false };
}

/** "in 4 min", and by the second in the last two minutes. */
function countdown(ms: number): string {
  if (ms <= 0) return 'now';
  if (ms > urgentMs) return `in ${String(Math.ceil(ms / 60_000))} min`;
  return `in ${String(Math.ceil(ms / 1000))} s`;
}

/** How many ms before its pause an environment is, when that is so near that it is to be said aloud; else undefined. */
export function pausesVerySoon(environment: IdleFacts, now: number): number | undefined {
  if (environment.pausesAt === null || (environment.status !== 'Running' && environment.status !== 'Asleep'))
    return undefined;
  const ms = Date.parse(environment.pausesAt) - now;
  return ms <= urgentMs && ms > -30_000 ? Math.max(0, ms) : undefined;
}

/** "14:05", with its day where that is not today. */
export function clockTime(moment: string, now: number): string {
  const at = new Date(moment);
  const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' }).format(at);
  const days = Math.round((startOfDay(at) - startOfDay(new Date(now))) / 86_400_000);
  if (days === 0) return time;
  if (days === 1) return `tomorrow ${time}`;
  return `${new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' }).format(at)}, ${time}`;
}

function startOfDay(at: Date): number {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
}

export interface KeepRunningChoice {
  readonly title: string;
  readonly until: string;
}

/** For how long one can ask that it neither sleeps nor pauses. */
export function keepRunningChoices(now: number): KeepRunningChoice[] {
  const tomorrow = new Date(now);
  tomorrow.setDate(tomorrow.getDate() + 1);
  tomorrow.setHours(9, 0, 0, 0);
  return [
    { title: 'Keep running for 1 hour', until: new Date(now + 3_600_000).toISOString() },
    { title: 'Keep running for 4 hours', until: new Date(now + 4 * 3_600_000).toISOString() },
    { title: 'Keep running until tomorrow 9:00', until: tomorrow.toISOString() },
  ];
}
