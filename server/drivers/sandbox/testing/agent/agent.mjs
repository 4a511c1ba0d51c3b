// Stands where the agent stands, and runs whatever a test asks for, so that tests see a machine from inside.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';

const config = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
fs.rmSync(config.listen.socketPath, { force: true });
const server = http.createServer((request, response) => {
  if (request.headers.authorization !== `Bearer ${config.secret}`) {
    response.writeHead(401).end();
    return;
  }
  let script = '';
  request.setEncoding('utf8');
  request.on('data', (chunk) => {
    script += chunk;
  });
  request.on('end', () => {
    if (request.url === '/print') {
      process.stdout.write(script);
      response.end('{}');
    } else if (request.url === '/exit') {
      process.exit(Number(script));
    } else if (request.url === '/hog') {
      const kept = [];
      for (;;) kept.push(Buffer.alloc(16 * 2 ** 20, 1));
    } else if (request.url === '/run') {
      execFile('/bin/sh', ['-c', script], { maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
        response.end(
          JSON.stringify({ code: error === null ? 0 : (error.code ?? String(error.signal)), output: stdout + stderr }),
        );
      });
    } else {
      response.end(
        JSON.stringify({ status: 'ready', environmentId: config.environmentId, startedAt: new Date().toISOString() }),
      );
    }
  });
});
server.listen(config.listen.socketPath);
process.on('SIGTERM', () => {
  console.log('asked to end');
  process.exit(0);
});
