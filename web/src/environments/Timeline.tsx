import type { Environment } from '@terrarium/contract';
import { IconCheck, IconX } from '@tabler/icons-react';
import { useNow } from '../ui/clock.ts';
import { formatDuration, formatMoment } from '../ui/formats.ts';
import classes from './Timeline.module.css';

type Step = Environment['timeline'][number];

/** The steps of what the environment did last, each with how long it took and what it printed. */
export function Timeline({ steps }: { steps: readonly Step[] }) {
  return (
    <ol className={classes.timeline} aria-label="Timeline" aria-live="polite" aria-relevant="additions">
      {steps.map((step) => (
        <li key={`${step.step} ${step.startedAt}`} data-outcome={step.outcome}>
          <span className={classes.mark} aria-hidden>
            {step.outcome === 'done' && <IconCheck size={12} stroke={2.5} />}
            {step.outcome === 'failed' && <IconX size={12} stroke={2.5} />}
          </span>
          <div className={classes.body}>
            <div className={classes.head}>
              <span>
                {step.title}
                {step.outcome === 'failed' && <span className={classes.failed}> failed</span>}
              </span>
              <span className={classes.time} title={`Started ${formatMoment(step.startedAt)}`}>
                {step.endedAt === null ? (
                  <Running since={step.startedAt} />
                ) : (
                  formatDuration(Date.parse(step.endedAt) - Date.parse(step.startedAt))
                )}
              </span>
            </div>
            {step.log.trim() !== '' && (
              <details open={step.outcome === 'failed'}>
                <summary>Log</summary>
                <pre tabIndex={0} aria-label={`Log of ${step.title}`}>
                  {step.log}
                </pre>
              </details>
            )}
          </div>
        </li>
      ))}
    </ol>
  );
}

function Running({ since }: { since: string }) {
  const now = useNow(200);
  return <span aria-hidden>{formatDuration(now - Date.parse(since))}</span>;
}
