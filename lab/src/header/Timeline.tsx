import { clockTime, type Environment, environmentActionProblem } from '@terrarium/contract';
import * as React from 'react';
import { createPortal } from 'react-dom';
import { useNow } from './use-now.ts';

/** The steps of what is under way, live below the header, with the last line that each one printed, and a way out. */
export function Timeline(props: {
  readonly environment: Environment;
  readonly onCancel: (() => void) | undefined;
}): React.ReactPortal | null {
  const { environment, onCancel } = props;
  const now = useNow(200);
  const operation = environment.operations.at(-1);
  if (operation === undefined) return null;
  const steps = environment.timeline.filter((step) => step.operation === operation.id);
  // Outside the header, which clips what hangs below it.
  return createPortal(
    <div className="tr-Timeline" role="log" aria-label="Progress of the start">
      <div className="tr-Timeline-title">{operation.title}</div>
      {steps.map((step) => {
        const endedAt = step.endedAt === null ? now : Date.parse(step.endedAt);
        const seconds = Math.max(0, (endedAt - Date.parse(step.startedAt)) / 1000);
        return (
          <React.Fragment key={`${step.step} ${step.startedAt}`}>
            <div className="tr-Timeline-step" data-outcome={step.outcome}>
              <span className="tr-Timeline-mark" role="img" aria-label={step.outcome} />
              <span>{step.title}</span>
              <span className="tr-Timeline-seconds">{seconds.toFixed(1)} s</span>
            </div>
            {step.outcome === 'running' && <LastLine log={step.log} />}
          </React.Fragment>
        );
      })}
      {steps.length === 0 && <div className="tr-Timeline-step">Waiting for its turn…</div>}
      {environment.reason !== null && <div className="tr-Timeline-reason">{environment.reason}</div>}
      <div className="tr-Timeline-foot">
        {operation.deadlineAt !== null && <span>At most until {clockTime(operation.deadlineAt, now)}</span>}
        {onCancel !== undefined && environmentActionProblem(environment.status, 'stop') === undefined && (
          <button type="button" className="tr-Button" onClick={onCancel}>
            Cancel
          </button>
        )}
      </div>
    </div>,
    document.body,
  );
}

function LastLine({ log }: { readonly log: string }): React.JSX.Element | null {
  const line = log.trimEnd().split('\n').at(-1) ?? '';
  return line === '' ? null : <div className="tr-Timeline-line">{line}</div>;
}
