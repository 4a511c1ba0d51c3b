/**
 * Stands for the agents of all environments, at one socket; a caller's secret says whose agent is meant. After SIGUSR2 none
 * of them answers any more. Argument: the socket.
 */
import { createServer } from 'node:http';
import type { AgentActivity, AgentHealth, AgentUsage } from '@terrarium/contract/agent';
import { agentPaths } from '@terrarium/contract/agent';
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

createServer((request, response) => {
  if (isSilent) return;
  const environmentId = (request.headers.authorization ?? '').slice(`Bearer ${secretOf('')}`.length);
  const health: AgentHealth = { status: 'ready', environmentId, startedAt };
  const { url } = request;
  const answer = url === agentPaths.activity ? activity : url === agentPaths.usage ? usage : health;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(answer));
}).listen(socketPath);
