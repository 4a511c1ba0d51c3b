import type { AgentExecution } from './agent-kernels.ts';
import type { Progress, Reply } from './progress.ts';
import { msgIdOf, type Run } from './run.ts';

/** What became of a cell while no control plane looked. */
export type Resumed =
  | { readonly kind: 'not sent' }
  /** It was sent, and nothing it said is in the document, perhaps not even that it began. */
  | { readonly kind: 'unheard' }
  | { readonly kind: 'under way'; readonly progress: Progress }
  /** All it said is in the document. `reply` is null where only the agent's `outcome` is known. */
  | {
      readonly kind: 'ended';
      readonly reply: Reply | null;
      readonly outcome: AgentExecution['outcome'];
      readonly endedAt: number | null;
      readonly executionCount: number | null;
    };

/**
 * Where to go on with what is not over, from what the agent was sent and what the document on disk has of that. Cells
 * were sent one after the other, each when the one before had ended; the disk may be several of them behind.
 * @param last  the latest execution that the document has something of
 * @returns for each run its cells, those aside that are over
 */
export function resumptionOf(
  runs: readonly Run[],
  executions: readonly AgentExecution[],
  last: Progress | null,
): { run: Run; position: number; resumed: Resumed }[] {
  const known = new Map(executions.map((execution) => [execution.msgId, execution]));
  const open = runs.flatMap((run) =>
    run.cells.flatMap(({ status }, position) =>
      status === 'queued' || status === 'running' ? [{ run, position, msgId: msgIdOf(run, position) }] : [],
    ),
  );
  const reached = open.findIndex(({ msgId }) => msgId === last?.msgId);
  return open.map(({ run, position, msgId }, index) => {
    const execution = known.get(msgId);
    if (execution === undefined) return { run, position, resumed: { kind: 'not sent' } };
    if (index > reached) return { run, position, resumed: { kind: 'unheard' } };
    const progress = index === reached ? last : null;
    if (progress !== null && (progress.reply === null || !progress.isIdle)) {
      return { run, position, resumed: { kind: 'under way', progress } };
    }
    const { outcome, endedAt } = execution;
    const executionCount = progress?.executionCount ?? execution.executionCount;
    const reply = progress?.reply ?? null;
    return { run, position, resumed: { kind: 'ended', reply, outcome, endedAt, executionCount } };
  });
}
