import { median, percentile } from './statistics.ts';

/** Samples of one side, a list for each round. */
export type Rounds = readonly (readonly number[])[];

export type Goal = { readonly atMost: number } | { readonly atLeast: number };

/** One thing that was measured: against a peer as a ratio, or against a bound; without a goal it is information. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly ours: Rounds;
  readonly peer?: { readonly name: string; readonly rounds: Rounds };
  /** Of the ratio ours/peer where there is a peer, otherwise of our median. */
  readonly goal?: Goal;
}

interface Side {
  readonly median: number;
  readonly p95: number;
}

export interface Outcome {
  readonly name: string;
  readonly unit: string;
  readonly ours: Side;
  readonly peer: (Side & { readonly name: string }) | null;
  readonly ratio: number | null;
  readonly goal: Goal | null;
  readonly isMet: boolean | null;
}

/**
 * Rounds are taken in turn, so each ratio compares neighbours in time: the median over rounds of the ratio of their
 * medians forgets both a slow drift of the machine and a single disturbed round.
 */
export function evaluate({ name, unit, ours, peer, goal }: Figure): Outcome {
  const ratio =
    peer === undefined ? null : median(ours.map((round, index) => median(round) / median(peer.rounds[index] ?? [])));
  const side = sideOf(ours);
  const value = ratio ?? side.median;
  return {
    name,
    unit,
    ours: side,
    peer: peer === undefined ? null : { name: peer.name, ...sideOf(peer.rounds) },
    ratio,
    goal: goal ?? null,
    isMet: goal === undefined ? null : 'atMost' in goal ? value <= goal.atMost : value >= goal.atLeast,
  };
}

function sideOf(rounds: Rounds): Side {
  const samples = rounds.flat();
  return { median: median(samples), p95: percentile(samples, 95) };
}

const headings = ['figure', 'ours', 'p95', 'against', 'median', 'p95', 'ratio', 'goal', 'met'] as const;

export function table(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map((outcome) => {
    const { ours, peer, ratio, goal, isMet, unit } = outcome;
    return [
      outcome.name,
      `${digits(ours.median)} ${unit}`,
      digits(ours.p95),
      peer?.name ?? '',
      peer === null ? '' : `${digits(peer.median)} ${unit}`,
      peer === null ? '' : digits(peer.p95),
      ratio === null ? '' : `${ratio.toFixed(2)}x`,
      goal === null ? '' : goalText(goal, ratio === null ? ` ${unit}` : 'x'),
      isMet === null ? '' : isMet ? 'yes' : 'NO',
    ];
  });
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(headings), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function goalText(goal: Goal, unit: string): string {
  return 'atMost' in goal ? `<= ${String(goal.atMost)}${unit}` : `>= ${String(goal.atLeast)}${unit}`;
}

function digits(value: number): string {
  return value >= 1000 ? value.toFixed(0) : value >= 100 ? value.toFixed(1) : value.toFixed(2);
}
