import { kernelEndings } from '@terrarium/contract/agent';
import type { Reply } from './progress.ts';

/** Why what waits is not run any more. */
export interface Ending {
  readonly status: 'failed' | 'interrupted';
  readonly reason: string;
}

/** What follows from how a cell ended, beside the cell's own status. */
export type Consequence =
  | { readonly kind: 'none' }
  /** The rest of its run is not run, nor what waits behind it; where the cell may fail, it is all the same. */
  | { readonly kind: 'run ends'; readonly ending: Ending }
  /** Nothing that waits for this kernel is run. */
  | { readonly kind: 'queue ends'; readonly ending: Ending }
  /** The kernel is gone. */
  | { readonly kind: 'kernel lost'; readonly ending: Ending };

const longestMessage = 500;

export function consequenceOf(reply: Reply): Consequence {
  if (reply.status === 'ok') return { kind: 'none' };
  if (reply.status === 'aborted') {
    const reason = 'The kernel gave it up: it was interrupted, or something that it ran before failed.';
    return { kind: 'queue ends', ending: { status: 'interrupted', reason } };
  }
  const { name, message } = reply;
  if (name === 'KernelDied') {
    if (message === kernelEndings.shutDown) {
      return { kind: 'kernel lost', ending: { status: 'interrupted', reason: message } };
    }
    const status = message === kernelEndings.restarted ? 'interrupted' : 'failed';
    return { kind: 'queue ends', ending: { status, reason: message } };
  }
  if (name === 'KeyboardInterrupt') {
    return { kind: 'queue ends', ending: { status: 'interrupted', reason: interruptedReason } };
  }
  const text = message === '' ? name : `${name}: ${message}`;
  const reason = text.length > longestMessage ? `${text.slice(0, longestMessage)}…` : text;
  return { kind: 'run ends', ending: { status: 'failed', reason } };
}

export const interruptedReason = 'It was interrupted.';
