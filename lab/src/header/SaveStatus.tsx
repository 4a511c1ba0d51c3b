import * as React from 'react';
import type { Savings } from '../documents/savings.ts';
import { useSignal } from './use-signal.ts';

export function SaveStatus({ savings }: { readonly savings: Savings }): React.JSX.Element {
  useSignal(savings.changed);
  const state = savings.state;
  return (
    <span className="tr-Save" role="status" data-save={state?.kind ?? 'none'}>
      {state?.kind === 'saved' && <span title={`Saved at ${state.at.toLocaleTimeString()}`}>Saved</span>}
      {(state?.kind === 'saving' || state?.kind === 'unsaved') && 'Saving…'}
      {state?.kind === 'read-only' && <span title="Changes are not kept.">Not saved: read only</span>}
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
