import type { ISignal } from '@lumino/signaling';
import * as React from 'react';

/** Renders again whenever `signal` is emitted. */
export function useSignal<Sender>(signal: ISignal<Sender, void>): void {
  const [, count] = React.useReducer((n: number) => n + 1, 0);
  React.useEffect(() => {
    signal.connect(count);
    return () => {
      signal.disconnect(count);
    };
  }, [signal]);
}
