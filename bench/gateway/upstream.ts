/**
 * Stands in for an agent: answers every request with 1 KiB, so that what is measured is the way there. Listens on a Unix
 * socket, as agents do, and on a port, which is how configurable-http-proxy keeps its connections.
 * Arguments: socket path, port, environment id.
 */
import { createServer, type RequestListener } from 'node:http';
import { agentPaths, type AgentHealth } from '@terrarium/contract/agent';

const [socketPath = '', port = '', environmentId = ''] = process.argv.slice(2);
const body = Buffer.alloc(1024, 'x');
const health: AgentHealth = { status: 'ready', environmentId, startedAt: new Date().toISOString(), isWarm: true };

const answer: RequestListener = (request, response) => {
  request.resume();
  if (request.url === agentPaths.health) {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(health));
    return;
  }
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': String(body.byteLength),
    etag: '"1"',
    'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT',
    'cache-control': 'no-cache',
  });
  response.end(body);
};

const options = { noDelay: true, keepAlive: true, keepAliveTimeout: 120_000 };
createServer(options, answer).listen(socketPath);
createServer(options, answer).listen(Number(port), '127.0.0.1');
