import { formatPrice } from '../ui/formats.ts';
import classes from './PriceStrip.module.css';
import type { Estimate } from './shape.ts';

interface PriceStripProps {
  estimate: Estimate | undefined;
  /** What it costs before a change: where a figure differs, the old one is shown beside the new. */
  before?: Estimate;
}

const figures = [
  { key: 'perHourRunning', name: 'per hour running' },
  { key: 'perHourAsleep', name: 'per hour asleep' },
  { key: 'perHourPaused', name: 'per hour paused' },
  { key: 'diskPerMonth', name: 'disk per month' },
] as const;

/** The figures that matter before one starts: running, asleep, paused, the disk. */
export function PriceStrip({ estimate, before }: PriceStripProps) {
  const text = (of: Estimate, key: (typeof figures)[number]['key']): string => formatPrice(of[key], of.currency);
  return (
    <dl className={classes.prices} aria-label="Price" aria-live="polite">
      {figures.map(({ key, name }) => {
        const now = estimate === undefined ? '–' : text(estimate, key);
        const old = before === undefined ? now : text(before, key);
        return (
          <div key={key}>
            <dt>{name}</dt>
            <dd>
              {old !== now && estimate !== undefined && (
                <del aria-label={`before: ${old}`} className={classes.before}>
                  {old}
                </del>
              )}
              {now}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
