import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ReactWidget } from '@jupyterlab/ui-components';
import { hasProcesses, type Environment } from '@terrarium/contract';
import * as React from 'react';
import type { EnvironmentWatch } from '../environment/environment-watch.ts';
import { IEnvironmentWatch } from '../environment/environment-watch.ts';
import { KernelMemory } from '../environment/kernel-memory.ts';
import { formatBytes } from '../environment/money.ts';
import { workspaceUrl } from '../workspace.ts';
import { useSignal } from './use-signal.ts';

const highShare = 0.85;
const gib = 1024 ** 3;

/** CPU, memory and disk of the environment at the bottom, and the memory of the kernel of the notebook in front. */
export const usageStatusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'terrarium:usage-status',
  autoStart: true,
  requires: [IStatusBar, IEnvironmentWatch, INotebookTracker],
  activate: (_: JupyterFrontEnd, statusBar: IStatusBar, watch: EnvironmentWatch, notebooks: INotebookTracker) => {
    tellOfEndings(watch);
    const kernelMemory = new KernelMemory(watch, notebooks);
    const item = ReactWidget.create(<Usage watch={watch} kernelMemory={kernelMemory} />);
    item.addClass('tr-Usage');
    statusBar.registerStatusItem('terrarium:usage', {
      item,
      align: 'right',
      rank: 0,
      isActive: () => isShown(watch.environment),
      activeStateChanged: watch.changed,
    });
  },
};

/** Says when the system ended something for want of memory, with a way to more of it. What ended before is known. */
function tellOfEndings(watch: EnvironmentWatch): void {
  let told: string | null | undefined;
  const look = (): void => {
    const usage = watch.environment?.usage;
    if (usage == null) return;
    const ended = usage.outOfMemory;
    const isNew = told !== undefined && ended !== null && ended.at !== told;
    told = ended?.at ?? null;
    if (!isNew || ended === null) return;
    const { suggestedGiB } = ended;
    const query = suggestedGiB === null ? 'view=edit' : `view=edit&memory=${String(suggestedGiB)}`;
    Notification.warning(ended.sentence, {
      autoClose: false,
      actions: [
        {
          label: suggestedGiB === null ? 'Change shape' : `Give it ${String(suggestedGiB)} GiB`,
          callback: () => void window.open(workspaceUrl(`environment?${query}`), '_blank', 'noreferrer'),
        },
      ],
    });
  };
  look();
  watch.changed.connect(look);
}

function isShown(environment: Environment | null | undefined): boolean {
  return environment != null && hasProcesses(environment.status);
}

interface UsageProps {
  readonly watch: EnvironmentWatch;
  readonly kernelMemory: KernelMemory;
}

function Usage({ watch, kernelMemory }: UsageProps): React.JSX.Element | null {
  useSignal(watch.changed);
  useSignal(kernelMemory.changed);
  const { environment } = watch;
  if (environment == null || !isShown(environment)) return null;
  const { usage, memoryGiB, disk } = environment;
  return (
    <>
      {kernelMemory.bytes !== undefined && (
        <span className="tr-Usage-kernel" title="Memory of the kernel of this notebook, and of all that it started">
          Kernel {formatBytes(kernelMemory.bytes)}
        </span>
      )}
      {usage?.cpuPercent != null && (
        <Meter label="CPU" share={usage.cpuPercent / 100} text={`${String(Math.round(usage.cpuPercent))} %`} />
      )}
      <Level
        label="Memory"
        used={usage?.memoryBytes ?? null}
        total={usage?.memoryLimitBytes ?? memoryGiB * gib}
        whenHigh="When it is full, the kernel that needs more is ended: shut down others, or give the environment more."
      />
      <Level
        label="Disk"
        used={usage?.diskUsedBytes ?? null}
        total={usage?.diskTotalBytes ?? (disk === null ? null : disk.sizeGiB * gib)}
        whenHigh="When it is full, nothing more can be written: delete what you do not need, or grow it on its page."
      />
    </>
  );
}

interface LevelProps {
  readonly label: string;
  readonly used: number | null;
  readonly total: number | null;
  /** What follows, and what to do. */
  readonly whenHigh: string;
}

function Level({ label, used, total, whenHigh }: LevelProps): React.JSX.Element | null {
  if (used === null || total === null || total <= 0) return null;
  const share = used / total;
  return (
    <Meter
      label={label}
      share={share}
      text={`${formatBytes(used)} of ${formatBytes(total)}`}
      {...(share >= highShare ? { warning: whenHigh } : {})}
    />
  );
}

interface MeterProps {
  readonly label: string;
  readonly share: number;
  readonly text: string;
  readonly warning?: string;
}

function Meter({ label, share, text, warning }: MeterProps): React.JSX.Element {
  const percent = Math.round(Math.min(1, Math.max(0, share)) * 100);
  return (
    <span
      className="tr-Meter"
      role="meter"
      aria-label={label}
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuetext={text}
      title={`${label}: ${text}${warning === undefined ? '' : `. ${warning}`}`}
      data-level={warning === undefined ? 'normal' : 'high'}
    >
      <span className="tr-Meter-label">{label}</span>
      <span className="tr-Meter-track">
        <span className="tr-Meter-fill" style={{ width: `${String(percent)}%` }} />
      </span>
      <span className="tr-Meter-text">{text}</span>
    </span>
  );
}
