import type { TimelineStep } from '@terrarium/contract';
import { IconCheck, IconX } from '@tabler/icons-react';
import { useNow } from '../ui/clock.ts';
import { formatDuration, formatMoment } from '../ui/formats.ts';
import { StepLog } from './StepLog.tsx';
import classes from './Timeline.module.css';

/** The steps of one operation, each with how long it took and what it printed. */
export function Timeline({ label, steps }: { label: string; steps: readonly TimelineStep[] }) {
  return (
    <ol className={classes.timeline} aria-label={label} aria-live="polite" aria-relevant="additions">
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
                <Elapsed startedAt={step.startedAt} endedAt={step.endedAt} />
              </span>
            </div>
            {step.log.trim() !== '' && (
              <details open={step.outcome !== 'done'}>
                <summary>Log</summary>
                <StepLog title={step.title} log={step.log} />
              </details>
            )}
          </div>
        </li>
      ))}
    </ol>
  );
}

/** How long it took, or takes so far. */
export function Elapsed({ startedAt, endedAt }: { startedAt: string; endedAt: string | null }) {
  if (endedAt === null) return <Running since={startedAt} />;
  return formatDuration(Date.parse(endedAt) - Date.parse(startedAt));
}

function Running({ since }: { since: string }) {
  const now = useNow(200);
  return <span aria-hidden>{formatDuration(now - Date.parse(since))}</span>;
}
