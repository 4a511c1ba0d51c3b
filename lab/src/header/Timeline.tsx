import type { Environment, TimelineStep } from '@terrarium/contract';
import * as React from 'react';
import { createPortal } from 'react-dom';

/** Steps of one operation follow one another; a longer rest means that another one began. */
const longestRestMs = 60_000;

/** The steps of a start under the header, live, while it is under way. */
export function Timeline({ environment }: { readonly environment: Environment }): React.ReactPortal {
  const now = useNow(200);
  const steps = stepsOfThisStart(environment.timeline);
  // Outside the header, which clips what hangs below it.
  return createPortal(
    <div className="tr-Timeline" role="log" aria-label="Progress of the start">
      <div className="tr-Timeline-title">
        {environment.status === 'Creating' ? 'Creating your environment' : 'Resuming your environment'}
      </div>
      {steps.map(({ step, attempts }) => {
        const endedAt = step.endedAt === null ? now : Date.parse(step.endedAt);
        const seconds = Math.max(0, (endedAt - Date.parse(step.startedAt)) / 1000);
        return (
          <div key={step.step} className="tr-Timeline-step" data-outcome={step.outcome}>
            <span className="tr-Timeline-mark" role="img" aria-label={step.outcome} />
            <span>
              {step.title}
              {attempts > 1 && ` (attempt ${attempts})`}
            </span>
            <span className="tr-Timeline-seconds">{seconds.toFixed(1)} s</span>
          </div>
        );
      })}
      {steps.length === 0 && <div className="tr-Timeline-step">Waiting for its turn…</div>}
      {environment.reason !== null && <div className="tr-Timeline-reason">{environment.reason}</div>}
    </div>,
    document.body,
  );
}

/** The latest entry of each step, with how often it was tried. */
function stepsOfThisStart(timeline: readonly TimelineStep[]): { step: TimelineStep; attempts: number }[] {
  const start = timeline.findLastIndex((step, index) => {
    const before = timeline[index - 1];
    return before !== undefined && Date.parse(step.startedAt) - Date.parse(before.startedAt) > longestRestMs;
  });
  const steps = new Map<string, { step: TimelineStep; attempts: number }>();
  for (const step of timeline.slice(Math.max(0, start))) {
    steps.set(step.step, { step, attempts: (steps.get(step.step)?.attempts ?? 0) + 1 });
  }
  return [...steps.values()];
}

function useNow(everyMs: number): number {
  const [now, setNow] = React.useState(Date.now);
  React.useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), everyMs);
    return () => window.clearInterval(timer);
  }, [everyMs]);
  return now;
}
