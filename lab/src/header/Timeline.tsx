import type { Environment } from '@terrarium/contract';
import * as React from 'react';
import { createPortal } from 'react-dom';

/** The steps of a start under the header, live, while it is under way. */
export function Timeline({ environment }: { readonly environment: Environment }): React.ReactPortal {
  const now = useNow(200);
  // Outside the header, which clips what hangs below it.
  return createPortal(
    <span className="tr-Timeline" role="log" aria-label="Progress of the start">
      <span className="tr-Timeline-title">
        {environment.status === 'Creating' ? 'Creating your environment' : 'Resuming your environment'}
      </span>
      {environment.timeline.map((step) => {
        const endedAt = step.endedAt === null ? now : Date.parse(step.endedAt);
        const seconds = Math.max(0, (endedAt - Date.parse(step.startedAt)) / 1000);
        return (
          <span key={`${step.step}-${step.startedAt}`} className="tr-Timeline-step" data-outcome={step.outcome}>
            <span className="tr-Timeline-mark" aria-label={step.outcome} />
            <span>{step.title}</span>
            <span className="tr-Timeline-seconds">{seconds.toFixed(1)} s</span>
          </span>
        );
      })}
      {environment.timeline.length === 0 && <span className="tr-Timeline-step">Waiting for its turn…</span>}
    </span>,
    document.body,
  );
}

function useNow(everyMs: number): number {
  const [now, setNow] = React.useState(Date.now);
  React.useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), everyMs);
    return () => window.clearInterval(timer);
  }, [everyMs]);
  return now;
}
