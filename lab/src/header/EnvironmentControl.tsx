import { environmentActions, environmentStatusWord, transitional, type Environment } from '@terrarium/contract';
import * as React from 'react';
import { showErrorMessage } from '@jupyterlab/apputils';
import type { EnvironmentGate } from '../environment/gate.ts';
import type { EnvironmentWatch } from '../environment/environment-watch.ts';
import { formatBytes, formatMoney } from '../environment/money.ts';
import { workspace, workspaceUrl } from '../workspace.ts';
import { Timeline } from './Timeline.tsx';
import { useSignal } from './use-signal.ts';

/** Status in words, what it costs right now, meters, and Start or Pause. */
export function EnvironmentControl(props: {
  readonly watch: EnvironmentWatch;
  readonly gate: EnvironmentGate;
}): React.JSX.Element {
  const { watch, gate } = props;
  useSignal(watch.changed);
  const { environment } = watch;
  if (environment === undefined && watch.isReachable) return <span className="tr-Env" aria-busy="true" />;
  const status = environment?.status;
  const isMoving = status !== undefined && transitional.has(status);
  return (
    <span className="tr-Env" data-environment={status ?? 'None'}>
      {watch.isReachable ? null : (
        <span className="tr-Env-offline" role="alert" title="It is tried again every second.">
          No connection to Terrarium
        </span>
      )}
      {environment && status === 'Running' && <Meters environment={environment} />}
      {environment && <Cost environment={environment} />}
      <a
        className="tr-Env-status"
        href={workspaceUrl('environment')}
        target="_blank"
        rel="noreferrer"
        title={environment?.reason ?? 'The page of the environment, in a new tab'}
        role="status"
      >
        <span className="tr-Env-dot" data-status={status ?? 'None'} />
        {status === undefined ? 'No environment' : environmentStatusWord[status]}
      </a>
      {isMoving && environment && (status === 'Creating' || status === 'Starting') && (
        <Timeline environment={environment} />
      )}
      {workspace.canCompute && <Action watch={watch} gate={gate} environment={environment ?? null} />}
    </span>
  );
}

function Action(props: {
  readonly watch: EnvironmentWatch;
  readonly gate: EnvironmentGate;
  readonly environment: Environment | null;
}): React.JSX.Element | null {
  const { watch, gate, environment } = props;
  const [isBusy, setBusy] = React.useState(false);
  const run = (action: () => Promise<unknown>): void => {
    setBusy(true);
    void action()
      .catch((error: unknown) => showErrorMessage('That did not work', error instanceof Error ? error.message : ''))
      .finally(() => setBusy(false));
  };
  const canStart = environment === null || environmentActions.start.has(environment.status);
  if (canStart && environment?.status !== 'Stopping') {
    return (
      <button
        type="button"
        className="tr-Button tr-Button-main"
        disabled={isBusy}
        onClick={() => run(() => gate.pass('Start'))}
      >
        {environment?.status === 'Error' ? 'Retry' : 'Start'}
      </button>
    );
  }
  if (environment.status === 'Running') {
    return (
      <button
        type="button"
        className="tr-Button"
        disabled={isBusy}
        title="Kernels and their variables end; the disk and the boot disk stay."
        onClick={() => run(() => watch.pause())}
      >
        Pause
      </button>
    );
  }
  return null;
}

function Cost({ environment }: { readonly environment: Environment }): React.JSX.Element {
  const { currency, perHourRunning, perHourPaused, diskPerMonth } = environment.cost;
  const isPaused = environment.status === 'Stopped';
  const detail = [
    `Running ${formatMoney(perHourRunning, currency)} per hour`,
    `paused ${formatMoney(perHourPaused, currency)} per hour`,
    `disk ${formatMoney(diskPerMonth, currency)} per month`,
    `so far ${formatMoney(environment.cost.soFar, currency)}`,
  ].join(', ');
  return (
    <span className="tr-Env-cost" title={detail}>
      {formatMoney(isPaused ? perHourPaused : perHourRunning, currency)}/h
    </span>
  );
}

function Meters({ environment }: { readonly environment: Environment }): React.JSX.Element | null {
  const usage = environment.usage;
  if (usage === null) return null;
  return (
    <>
      <Meter label="Memory" used={usage.memoryBytes} total={usage.memoryLimitBytes} />
      <Meter label="Disk" used={usage.diskUsedBytes} total={usage.diskTotalBytes} />
    </>
  );
}

function Meter(props: {
  readonly label: string;
  readonly used: number | null;
  readonly total: number | null;
}): React.JSX.Element | null {
  const { label, used, total } = props;
  if (used === null || total === null || total <= 0) return null;
  const share = Math.min(1, used / total);
  const text = `${label}: ${formatBytes(used)} of ${formatBytes(total)}`;
  return (
    <span
      className="tr-Meter"
      role="meter"
      aria-label={label}
      aria-valuenow={Math.round(share * 100)}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuetext={text}
      title={text}
      data-level={share > 0.9 ? 'high' : 'normal'}
    >
      <span className="tr-Meter-label">{label}</span>
      <span className="tr-Meter-track">
        <span className="tr-Meter-fill" style={{ width: `${share * 100}%` }} />
      </span>
    </span>
  );
}
