import { spawn } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { Processes } from '../activity/processes.ts';
import { OurPorts } from './ports.ts';

const listen =
  'const s = require("net").createServer(); s.listen(0, process.argv[1], () => console.log(s.address().port))';

/** A process of ours that listens, until it is ended. */
async function startListening(host: string): Promise<{ port: number; end: () => Promise<void> }> {
  const child = spawn(process.execPath, ['-e', listen, host], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise<number>((resolve) => {
    child.stdout.once('data', (data: Buffer) => {
      resolve(Number(data.toString()));
    });
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
  });
  return {
    port,
    end: () => {
      child.kill('SIGKILL');
      return ended;
    },
  };
}

test.each([
  ['0.0.0.0', '127.0.0.1'],
  ['127.0.0.1', '127.0.0.1'],
  ['127.0.0.2', '127.0.0.2'],
  ['::', '127.0.0.1'],
  ['::1', '::1'],
])('what listens on %s is reached at %s, until it ends', async (host, reachedAt) => {
  const ports = new OurPorts(new Processes('A=B'));
  const { port, end } = await startListening(host);
  expect(ports.hostOf(port)).toBe(reachedAt);
  expect(ports.hostOf(port)).toBe(reachedAt);
  await end();
  expect(ports.hostOf(port)).toBeNull();
});

test('a port that another takes over when ours has ended is not ours', async () => {
  const ports = new OurPorts(new Processes('A=B'));
  const { port, end } = await startListening('127.0.0.1');
  expect(ports.hostOf(port)).toBe('127.0.0.1');
  await end();
  // The process that looks is itself no part of the environment.
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
  expect((other.address() as AddressInfo).port).toBe(port);
  expect(ports.hostOf(port)).toBeNull();
  other.close();
});
