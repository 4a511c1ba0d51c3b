import { showErrorMessage } from '@jupyterlab/apputils';
import {
  type Environment,
  environmentStatuses,
  environmentStatusWord,
  idleNotice,
  mainAction,
  pausesVerySoon,
  stopWord,
} from '@terrarium/contract';
import * as React from 'react';
import type { EnvironmentWatch } from '../environment/environment-watch.ts';
import type { EnvironmentGate } from '../environment/gate.ts';
import { formatMoney } from '../environment/money.ts';
import { workspace, workspaceUrl } from '../workspace.ts';
import { Timeline } from './Timeline.tsx';
import { useNow } from './use-now.ts';
import { useSignal } from './use-signal.ts';

export interface EnvironmentControlProps {
  readonly watch: EnvironmentWatch;
  readonly gate: EnvironmentGate;
  /** Opens the environment's menu below that element. */
  readonly openMenu: (below: HTMLElement) => void;
}

/** Status in words, what it costs right now, when it sleeps or pauses, and the one thing to do about it. */
export function EnvironmentControl({ watch, gate, openMenu }: EnvironmentControlProps): React.JSX.Element {
  useSignal(watch.changed);
  const { environment } = watch;
  if (environment === undefined && watch.isReachable) return <span className="tr-Env" aria-busy="true" />;
  const status = environment?.status;
  const isUnderWay = status !== undefined && stopWord(status) === 'Cancel';
  return (
    <span className="tr-Env" data-environment={status ?? 'None'}>
      {watch.isReachable ? null : (
        <span className="tr-Env-offline" role="alert" title="It is tried again every second.">
          No connection to Terrarium
        </span>
      )}
      {environment && <IdleNote environment={environment} />}
      {environment && <Cost environment={environment} />}
      <a
        className="tr-Env-status"
        href={workspaceUrl('environment')}
        target="_blank"
        rel="noreferrer"
        title={titleOf(environment ?? null)}
        role="status"
      >
        <span className="tr-Env-dot" data-status={status ?? 'None'} />
        {status === undefined ? 'No environment' : environmentStatusWord[status]}
      </a>
      {isUnderWay && environment && (
        <Timeline
          environment={environment}
          onCancel={workspace.canCompute ? () => void watch.pause('now').catch(explain) : undefined}
        />
      )}
      {workspace.canCompute && <Action watch={watch} gate={gate} environment={environment ?? null} />}
      {workspace.canCompute && environment && (
        <button
          type="button"
          className="tr-Button tr-Button-icon"
          aria-haspopup="menu"
          aria-label="More for the environment"
          title="Sleep, pause, keep running"
          onClick={(event) => openMenu(event.currentTarget)}
        >
          <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
            <path d="m4 6 4 4 4-4" fill="none" stroke="currentColor" strokeWidth="1.6" />
          </svg>
        </button>
      )}
    </span>
  );
}

function titleOf(environment: Environment | null): string {
  const link = 'The page of the environment, in a new tab';
  if (environment === null) return link;
  const { reason, status, busyReasons } = environment;
  const busy = busyReasons.length === 0 ? '' : ` At work: ${busyReasons.join(', ')}.`;
  return `${reason ?? environmentStatuses[status].meaning}${busy} ${link}.`;
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
      .catch(explain)
      .finally(() => setBusy(false));
  };
  const { command, word, problem } =
    environment === null
      ? { command: 'start' as const, word: 'Start', problem: undefined }
      : mainAction(environment.status);
  // What is under way is cancelled where its steps are shown.
  if (problem !== undefined || word === 'Cancel' || environment?.status === 'Stopping') return null;
  if (command === 'stop')
    return (
      <button
        type="button"
        className="tr-Button"
        disabled={isBusy}
        title="Kernels and their variables end; the disk and the boot disk stay."
        onClick={() => run(() => watch.pause('now'))}
      >
        Pause
      </button>
    );
  return (
    <button
      type="button"
      className="tr-Button tr-Button-main"
      disabled={isBusy}
      onClick={() => run(() => gate.pass('Start'))}
    >
      {word}
    </button>
  );
}

function explain(error: unknown): Promise<void> {
  return showErrorMessage('That did not work', error instanceof Error ? error.message : String(error));
}

/** The countdown alone: why it stays is in the title of its status, and the last of it in the banner. */
function IdleNote({ environment }: { readonly environment: Environment }): React.JSX.Element | null {
  const now = useNow(1000);
  const notice = idleNotice(environment, now);
  if (notice === undefined || notice.kind === 'busy' || pausesVerySoon(environment, now) !== undefined) return null;
  return (
    <span className="tr-Env-idle" data-urgent={notice.isUrgent} title={notice.text}>
      {notice.brief}
    </span>
  );
}

function Cost({ environment }: { readonly environment: Environment }): React.JSX.Element {
  const { currency, perHourRunning, perHourAsleep, perHourPaused, perHourNow, diskPerMonth, soFar } = environment.cost;
  const detail = [
    `Running ${formatMoney(perHourRunning, currency)} per hour`,
    `asleep ${formatMoney(perHourAsleep, currency)} per hour`,
    `paused ${formatMoney(perHourPaused, currency)} per hour`,
    `disk ${formatMoney(diskPerMonth, currency)} per month`,
    `so far ${formatMoney(soFar, currency)}`,
  ].join(', ');
  return (
    <span className="tr-Env-cost" title={detail}>
      {formatMoney(perHourNow, currency)}/h
    </span>
  );
}
