import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, showErrorMessage } from '@jupyterlab/apputils';
import { clockTime, type EnvironmentAction, environmentActionProblem, keepRunningChoices } from '@terrarium/contract';
import { workspace } from '../workspace.ts';
import type { EnvironmentWatch } from './environment-watch.ts';
import { IEnvironmentWatch } from './environment-watch.ts';

/** What the menu of the environment offers, in groups; also in the command palette. */
export const environmentCommands = {
  now: ['terrarium:sleep', 'terrarium:pause', 'terrarium:pause-when-idle'],
  keep: ['terrarium:keep-1', 'terrarium:keep-2', 'terrarium:keep-3', 'terrarium:take-back'],
} as const;

/** Sleep, pause, and for how long it is kept running, as commands: for the header's menu, the palette and the keyboard. */
export const environmentCommandsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'terrarium:environment-commands',
  autoStart: true,
  requires: [IEnvironmentWatch],
  optional: [ICommandPalette],
  activate: ({ commands }: JupyterFrontEnd, watch: EnvironmentWatch, palette: ICommandPalette | null) => {
    if (!workspace.canCompute) return;
    interface Added {
      readonly label: () => string;
      readonly action: EnvironmentAction;
      readonly isPossible?: () => boolean;
      readonly isVisible?: () => boolean;
      readonly act: () => Promise<void>;
    }
    const add = (id: string, { label, action, isPossible, isVisible, act }: Added): void => {
      commands.addCommand(id, {
        label,
        isEnabled: () => {
          const status = watch.environment?.status;
          if (status === undefined || environmentActionProblem(status, action) !== undefined) return false;
          return isPossible?.() ?? true;
        },
        isVisible: () => isVisible?.() ?? true,
        execute: () => act().catch(explain),
      });
      palette?.addItem({ command: id, category: 'Cloud environment' });
    };
    const environment = () => watch.environment ?? null;
    const isWaiting = (): boolean => environment()?.pausesWhenIdle === true;
    const keptUntil = (): string | undefined => {
      const until = environment()?.keepRunningUntil ?? null;
      return until !== null && Date.parse(until) > Date.now() ? until : undefined;
    };
    const [sleep, pause, pauseWhenIdle] = environmentCommands.now;
    add(sleep, { label: () => 'Sleep now', action: 'sleep', act: () => watch.sleep() });
    add(pause, { label: () => 'Pause now', action: 'stop', act: () => watch.pause('now') });
    add(pauseWhenIdle, {
      label: () => (isWaiting() ? 'Do not pause when this cell ends' : 'Pause when this cell ends'),
      action: 'keepRunning',
      isPossible: () => isWaiting() || (environment()?.busyReasons.length ?? 0) > 0,
      act: () => (isWaiting() ? watch.keepRunning(null) : watch.pause('idle')),
    });
    const [first, second, third, takeBack] = environmentCommands.keep;
    for (const [index, id] of [first, second, third].entries()) {
      const choice = () => keepRunningChoices(Date.now())[index];
      add(id, {
        label: () => choice()?.title ?? '',
        action: 'keepRunning',
        act: () => watch.keepRunning(choice()?.until ?? null),
      });
    }
    add(takeBack, {
      label: () => {
        const until = keptUntil();
        return until === undefined ? 'Do not keep it running' : `Take back: kept until ${clockTime(until, Date.now())}`;
      },
      action: 'keepRunning',
      isVisible: () => keptUntil() !== undefined,
      act: () => watch.keepRunning(null),
    });
    watch.changed.connect(() => commands.notifyCommandChanged());
  },
};

function explain(error: unknown): Promise<void> {
  return showErrorMessage('That did not work', error instanceof Error ? error.message : String(error));
}
