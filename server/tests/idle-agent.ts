import http from 'node:http';
import path from 'node:path';
import type { AgentAddress } from '../environments/compute-driver.ts';

/** Agents that answer for machines which exist in memory only: ready, idle, with nothing in them. */
export function createIdleAgents(directory: string) {
  const servers: http.Server[] = [];
  const usage = {
    cpuCores: 0,
    memoryBytes: 2 ** 28,
    memoryLimitBytes: 2 ** 32,
    diskUsedBytes: 2 ** 20,
    diskTotalBytes: 2 ** 30,
  };
  const startup = {
    state: 'succeeded',
    exitCode: 0,
    signal: null,
    output: '',
    nextOffset: 0,
    startedAt: 0,
    endedAt: 0,
  };

  function answer(environmentId: string, url: string): unknown {
    const { pathname } = new URL(url, 'http://agent');
    switch (pathname) {
      case '/agent/health':
        return { status: 'ready', environmentId, startedAt: new Date(0).toISOString(), isWarm: true };
      case '/agent/activity':
        return { lastActivityAt: 0, busyReasons: [], runningCells: 0 };
      case '/agent/usage':
        return usage;
      case '/agent/startup':
        return startup;
      default:
        return [];
    }
  }

  return {
    /** Answers for the environment from now on. */
    async answerFor(environmentId: string): Promise<AgentAddress> {
      const socketPath = path.join(directory, `${environmentId}.sock`);
      const server = http.createServer((request, response) => {
        request.resume();
        response.end(JSON.stringify(answer(environmentId, request.url ?? '/')));
      });
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(socketPath, resolve));
      return { socketPath };
    },
    close(): void {
      for (const server of servers) server.close();
    },
  };
}
