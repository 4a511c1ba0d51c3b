import { showErrorMessage } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';
import { pausesVerySoon } from '@terrarium/contract';
import type { EnvironmentWatch } from '../environment/environment-watch.ts';
import { useNow } from './use-now.ts';
import { useSignal } from './use-signal.ts';

const hourMs = 3_600_000;

/** Below the header in the last two minutes before a pause: how long there is, and a button that keeps it running. */
export function createPauseBanner(watch: EnvironmentWatch): ReactWidget {
  const widget = ReactWidget.create(<Banner watch={watch} />);
  widget.id = 'terrarium-pause-banner';
  widget.addClass('tr-PauseBanner');
  const show = (): void => widget.setHidden(millisLeft(watch, Date.now()) === undefined);
  show();
  watch.changed.connect(show);
  const timer = window.setInterval(show, 1000);
  widget.disposed.connect(() => window.clearInterval(timer));
  return widget;
}

function millisLeft({ environment }: EnvironmentWatch, now: number): number | undefined {
  return environment == null ? undefined : pausesVerySoon(environment, now);
}

function Banner({ watch }: { readonly watch: EnvironmentWatch }): React.JSX.Element | null {
  useSignal(watch.changed);
  const now = useNow(1000);
  const [isBusy, setBusy] = React.useState(false);
  const left = millisLeft(watch, now);
  if (left === undefined) return null;
  const keep = (): void => {
    setBusy(true);
    void watch
      .keepRunning(new Date(Date.now() + hourMs).toISOString())
      .catch((error: unknown) =>
        showErrorMessage('That did not work', error instanceof Error ? error.message : String(error)),
      )
      .finally(() => setBusy(false));
  };
  return (
    <>
      {/* Read out once, not every second. */}
      <strong aria-hidden="true" className="tr-PauseBanner-left">
        {left === 0 ? 'Pauses now' : `Pauses in ${String(Math.ceil(left / 1000))} s`}
      </strong>
      <span role="alert" className="tr-PauseBanner-text">
        Your environment is about to pause: kernels and their variables end, files stay.
      </span>
      <button type="button" className="tr-Button" disabled={isBusy} onClick={keep}>
        Keep running for 1 hour
      </button>
    </>
  );
}
