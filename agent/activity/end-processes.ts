import { setImmediate, setTimeout as delay } from 'node:timers/promises';

const betweenRoundsMs = 20;

/**
 * Ends processes that may be starting others all the while. They are stopped before they are killed, so that none makes
 * another while its neighbour goes; nothing here needs a process of its own, of which there may be none left to have.
 * @param look  finds what is there now
 * @returns whether all are gone within the time
 */
export async function endProcesses(look: () => readonly number[], withinMs: number): Promise<boolean> {
  const end = performance.now() + withinMs;
  for (;;) {
    const stopped = new Set<number>();
    let found = look();
    while (found.some((pid) => !stopped.has(pid)) && performance.now() < end) {
      for (const pid of found) {
        if (!stopped.has(pid)) send(pid, 'SIGSTOP');
        stopped.add(pid);
      }
      await setImmediate();
      found = look();
    }
    for (const pid of found) send(pid, 'SIGKILL');
    if (found.length === 0) return true;
    if (performance.now() >= end) return false;
    await delay(betweenRoundsMs);
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended by itself
  }
}
