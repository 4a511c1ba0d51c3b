import * as z from 'zod';
import type { ExecutionOfCell } from '../documents/live-notebook.ts';

/**
 * What to say of a cell that is asked to run, in a few words.
 * @param self  the account that reads it
 */
export function describeExecution(execution: ExecutionOfCell, self: string, now: number): string {
  const isMine = execution.accountId === self;
  const whose = isMine ? '' : ` · ${execution.by}`;
  switch (execution.state) {
    case 'queued':
      return `queued${whose}`;
    case 'input':
      return isMine ? 'waiting for your input' : `waiting for input from ${execution.by}`;
    case 'running':
      return `${describeElapsed(now - (execution.startedAt ?? execution.queuedAt))}${whose}`;
  }
}

const Timing = z.object({
  'iopub.execute_input': z.iso.datetime({ offset: true }),
  'shell.execute_reply': z.iso.datetime({ offset: true }),
});

/** How long a cell's last run took, from the times that JupyterLab keeps in its metadata; undefined when it is not known. */
export function describeTiming(metadata: unknown): string | undefined {
  const timing = Timing.safeParse(metadata).data;
  if (timing === undefined) return undefined;
  const ms = Date.parse(timing['shell.execute_reply']) - Date.parse(timing['iopub.execute_input']);
  if (ms < 0) return undefined;
  if (ms < 1000) return `${String(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s` : describeElapsed(ms);
}

/** Whole seconds, and minutes and hours where there are any: `2 min 5 s`. */
function describeElapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${String(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${String(minutes)} min ${String(seconds % 60)} s`;
  return `${String(Math.floor(minutes / 60))} h ${String(minutes % 60)} min`;
}
