import type { TimelineStep } from '@terrarium/contract';
import { IconCheck, IconX } from '@tabler/icons-react';
import { useState } from 'react';
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
            {step.log.trim() !== '' && <Log step={step} />}
          </div>
        </li>
      ))}
    </ol>
  );
}

/** Open while it grows and where it failed; what somebody reads does not close by itself. */
function Log({ step: { title, outcome, log } }: { step: TimelineStep }) {
  const [isOpen, setIsOpen] = useState(outcome !== 'done');
  return (
    <details open={isOpen} onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary>Log</summary>
      <StepLog title={title} log={log} />
    </details>
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
