import { setTimeout as wait } from 'node:timers/promises';
import { openKernelSocket } from '../kernel/kernel-socket.ts';
import { ask } from '../peers/answers.ts';
import { openNotebook, roomDoor } from '../room/rooms.ts';
import type { Terrarium } from '../subject/terrarium.ts';

/** What JupyterLab asks for again and again, and how often: the polls of @jupyterlab/services while its page is shown. */
const polls = [
  { path: 'kernels', everyMs: 10_000 },
  { path: 'sessions', everyMs: 10_000 },
  { path: 'terminals', everyMs: 10_000 },
  { path: 'kernelspecs', everyMs: 61_000 },
  { path: 'contents/notebooks?content=1', everyMs: 10_000 },
];

/**
 * Stands for a JupyterLab in which a notebook is open and nobody does anything: its kernel's channels, the notebook's room,
 * its polls, and the environment's status, read again whenever it is said to have changed.
 */
export async function openIdleLab(
  terrarium: Terrarium,
  open: { environment: string; notebook: string; kernelId: string },
): Promise<{ close(): Promise<void> }> {
  const { door, client, workspace } = terrarium;
  const kernel = await openKernelSocket({ ...door, kernelId: open.kernelId });
  const room = await openNotebook(roomDoor(terrarium), open.notebook);
  const abort = new AbortController();
  const { signal } = abort;
  const poll = async ({ path, everyMs }: (typeof polls)[number]): Promise<void> => {
    for (;;) {
      await ask('GET', `${door.url}/api/${path}`, { authorization: door.authorization, signal });
      await wait(everyMs, undefined, { signal });
    }
  };
  const watch = async (): Promise<void> => {
    const events = await client.streamEvents({ signal });
    for await (const chunk of events.body ?? []) {
      // Each event is one small piece of the stream.
      if (!Buffer.from(chunk).includes('"environment"')) continue;
      await client.getEnvironment({ params: { ...workspace, environment: open.environment }, signal });
    }
  };
  const work = Promise.all([watch(), ...polls.map(poll)]);
  work.catch(() => undefined); // told by close()
  return {
    async close() {
      const ended = await Promise.race([
        work.then(
          () => null,
          (error: unknown) => error,
        ),
        wait(0, null),
      ]);
      abort.abort();
      kernel.close();
      await room.close();
      if (ended !== null) throw ended;
    },
  };
}
