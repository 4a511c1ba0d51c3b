import { AppError } from '@terrarium/contract';
import * as z from 'zod';
import type { Documents, LiveDocument, RoomMember } from '../documents/live-document.ts';
import type { Log } from '../plumbing/log.ts';
import type { Runs } from './runs.ts';

const RunMessage = z.object({
  request: z.union([z.string().max(200), z.number()]),
  cells: z.array(z.string().max(100)).max(10_000).optional(),
});
const InputMessage = z.object({ cell: z.string().max(100), value: z.string().max(1_000_000) });

/** Answers what clients in a room ask of runs, after the edits that they sent before. */
export function answerInRooms(deps: { documents: Pick<Documents, 'onMessage'>; runs: Runs; log: Log }): void {
  const { documents, runs, log } = deps;

  documents.onMessage('run', (member, document, message) => {
    const request = message['request'];
    run(member, document, message).then(
      (id) => member.tell({ type: 'run', request, run: id }),
      (error: unknown) => member.tell({ type: 'run', request, error: told(error) }),
    );
  });

  documents.onMessage('input', (member, document, message) => {
    try {
      const { cell, value } = parsed(InputMessage, message);
      runs.answer(document.id, member.author.accountId, cell, value);
    } catch (error) {
      member.tell({ type: 'input', cell: message['cell'], error: told(error) });
    }
  });

  async function run(member: RoomMember, document: LiveDocument, message: unknown): Promise<string> {
    const { cells } = parsed(RunMessage, message);
    if (!member.canCompute) {
      throw new AppError('NotAllowed', 'You cannot run code in this workspace. Ask its owner for "can compute".');
    }
    // What it costs to start an environment is asked before, by the page.
    const { id } = await runs.start(document, { author: member.author, cells, startsEnvironment: false });
    return id;
  }

  function told(error: unknown): { code: string; message: string } {
    if (error instanceof AppError) return { code: error.code, message: error.message };
    log.error({ err: error }, 'runs: a message of a room could not be answered');
    return { code: 'Internal', message: 'Something went wrong inside Terrarium. The log has the details.' };
  }
}

function parsed<S extends z.ZodType>(schema: S, message: unknown): z.infer<S> {
  const result = schema.safeParse(message);
  if (!result.success) throw new AppError('InvalidInput', 'This message is not understood.', { cause: result.error });
  return result.data;
}
