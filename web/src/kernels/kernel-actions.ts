import type { Kernel } from '@terrarium/contract';

export const kernelActions = ['interrupt', 'restart', 'restartAndRunAll', 'shutDown'] as const;
export type KernelAction = (typeof kernelActions)[number];

export const kernelActionTitle: Record<KernelAction, string> = {
  interrupt: 'Interrupt',
  restart: 'Restart…',
  restartAndRunAll: 'Restart and run all…',
  shutDown: 'Shut down…',
};

/** Why the action cannot be taken now, as a sentence, or undefined when it can. */
export function kernelActionProblem(
  action: KernelAction,
  kernel: Pick<Kernel, 'state' | 'execution' | 'notebook'>,
  computeProblem: string | undefined,
): string | undefined {
  if (computeProblem !== undefined) return computeProblem;
  const isBetween = kernel.state === 'starting' || kernel.state === 'restarting';
  switch (action) {
    case 'interrupt':
      return kernel.state === 'busy' ? undefined : 'Nothing runs in this kernel, so there is nothing to interrupt.';
    case 'restart':
      return isBetween ? `The kernel is ${kernel.state} already.` : undefined;
    case 'restartAndRunAll':
      if (kernel.notebook === null)
        return 'This kernel serves no notebook of the workspace, so there is nothing to run.';
      return isBetween ? `The kernel is ${kernel.state}. Wait until it answers.` : undefined;
    case 'shutDown':
      return undefined;
  }
}

/** What is asked before it is done; undefined where nothing is lost. */
export function kernelActionWarning(
  action: KernelAction,
  kernel: Pick<Kernel, 'state'>,
): { readonly title: string; readonly action: string; readonly lost: string; readonly kept: string } | undefined {
  const cell = kernel.state === 'busy' ? ' and the cell that runs now is stopped' : '';
  const kept = 'Kept: the notebook with its code and outputs, and every file.';
  switch (action) {
    case 'interrupt':
      return undefined;
    case 'restart':
      return { title: 'Restart', action: 'Restart kernel', lost: `Lost: all variables in memory${cell}.`, kept };
    case 'restartAndRunAll':
      return {
        title: 'Restart and run all',
        action: 'Restart and run all',
        lost: `Lost: all variables in memory${cell}.`,
        kept: 'Then every cell runs again from the top; each replaces its outputs as it runs.',
      };
    case 'shutDown':
      return {
        title: 'Shut down',
        action: 'Shut down kernel',
        lost: `Lost: all variables in memory${cell}. Its memory becomes free.`,
        kept: `${kept} Running a cell starts a new kernel.`,
      };
  }
}
