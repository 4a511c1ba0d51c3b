import * as React from 'react';
import type { LiveDetail, SaveState } from '../documents/saving.ts';
import type { Savings } from '../documents/savings.ts';
import { useSignal } from './use-signal.ts';

export function SaveStatus({ savings }: { readonly savings: Savings }): React.JSX.Element {
  useSignal(savings.changed);
  const state = savings.state;
  return (
    <span className="tr-Save" role="status" data-save={state?.kind ?? 'none'}>
      {state?.kind === 'saved' && <Saved at={state.at} live={state.live} />}
      {(state?.kind === 'saving' || state?.kind === 'unsaved') && 'Saving…'}
      {state?.kind === 'read-only' && <ReadOnly live={state.live} />}
      {state?.kind === 'failed' && (
        <>
          <span className="tr-Save-reason" title={state.reason}>
            Not saved: {state.reason}
          </span>
          <button type="button" className="tr-Button" onClick={() => void savings.flush()}>
            Retry
          </button>
        </>
      )}
    </span>
  );
}

function ReadOnly({ live }: Pick<SaveState & { kind: 'read-only' }, 'live'>): React.JSX.Element {
  if (live === undefined) return <span title="Changes are not kept.">Not saved: read only</span>;
  if (live.isAway) return <span>Not live: Terrarium cannot be reached. It is tried again by itself.</span>;
  return <span title={`${live.reason} You see what others do as they do it.`}>Live</span>;
}

function Saved({ at, live }: { readonly at: Date; readonly live: LiveDetail | undefined }): React.JSX.Element {
  const [now, setNow] = React.useState(Date.now);
  // The age is read when somebody looks.
  const look = (): void => setNow(Date.now());
  if (live === undefined) return <span title={`Saved at ${at.toLocaleTimeString()}`}>Saved</span>;
  if (live.isPlayground) return <span>Kept in this playground for you only</span>;
  if (live.bucketTrouble !== null) {
    const trouble = `Not in the bucket yet: ${live.bucketTrouble} It is kept safely in the journal.`;
    return (
      <>
        <span title={trouble}>Saved</span>
        <span className="tr-Save-trouble" title={trouble}>
          {trouble}
        </span>
      </>
    );
  }
  return (
    <span title={bucketSentence(live.storedAt, now)} onMouseEnter={look}>
      Saved
    </span>
  );
}

function bucketSentence(storedAt: number | null, now: number): string {
  const kept = 'Every change is on the disk of the server.';
  if (storedAt === null) return kept;
  const seconds = Math.max(0, Math.round((now - storedAt) / 1000));
  const age = seconds < 60 ? `${String(seconds)} s` : `${String(Math.round(seconds / 60))} min`;
  return `${kept} In the bucket ${age} ago.`;
}
