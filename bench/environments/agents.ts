/**
 * Stands for the agents of all environments, at one socket; a caller's secret says whose agent is meant. After SIGUSR2 none
 * of them answers any more. Argument: the socket.
 */
import { createServer } from 'node:http';
import type { AgentActivity, AgentHealth, AgentNotebooks, AgentUsage } from '@terrarium/contract/agent';
import { agentMirrorPaths, agentPaths } from '@terrarium/contract/agent';
import { secretOf } from './population.ts';

const [socketPath = ''] = process.argv.slice(2);
const startedAt = new Date().toISOString();
const idleSince = Date.now();
let isSilent = false;
process.on('SIGUSR2', () => {
  isSilent = true;
});

const activity: AgentActivity = { lastActivityAt: idleSince, busyReasons: [], runningCells: 0 };
const usage: AgentUsage = {
  cpuCores: 0.01,
  memoryBytes: 300e6,
  memoryLimitBytes: 4 * 2 ** 30,
  diskUsedBytes: 3 * 2 ** 30,
  diskTotalBytes: 50 * 2 ** 30,
  outOfMemory: null,
};

const noNotebooks: AgentNotebooks = { version: '1', folder: null, files: [], settling: [], ignored: [] };

createServer((request, response) => {
  if (isSilent) return;
  const send = (answer: unknown): void => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer));
  };
  const environmentId = (request.headers.authorization ?? '').slice(`Bearer ${secretOf('')}`.length);
  const health: AgentHealth = { status: 'ready', isWarm: true, environmentId, startedAt };
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://agent');
  switch (pathname) {
    case agentPaths.activity:
      return send(activity);
    case agentPaths.usage:
      return send(usage);
    case agentMirrorPaths.list:
      // Nothing ever changes: it is told when the time is over.
      setTimeout(send, Number(searchParams.get('waitMs') ?? 0), noNotebooks);
      return;
    default:
      return send(health);
  }
}).listen(socketPath);
