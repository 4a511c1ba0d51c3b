import { formatPrice } from '../ui/formats.ts';
import classes from './EnvironmentPage.module.css';
import type { Estimate } from './shape.ts';

/** The three figures that matter before one starts: running, paused, the disk. */
export function PriceStrip({ estimate }: { estimate: Estimate | undefined }) {
  const text = (amount: number | undefined): string =>
    amount === undefined || estimate === undefined ? '–' : formatPrice(amount, estimate.currency);
  return (
    <dl className={classes.prices} aria-label="Price" aria-live="polite">
      <div>
        <dt>per hour running</dt>
        <dd>{text(estimate?.perHourRunning)}</dd>
      </div>
      <div>
        <dt>per hour paused</dt>
        <dd>{text(estimate?.perHourPaused)}</dd>
      </div>
      <div>
        <dt>disk per month</dt>
        <dd>{text(estimate?.diskPerMonth)}</dd>
      </div>
    </dl>
  );
}
