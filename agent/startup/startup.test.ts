import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AgentStartup } from '@terrarium/contract/agent';
import { startTestAgent, until, type TestAgent } from '../testing/test-agent.ts';

let agent: TestAgent;
beforeEach(async () => {
  agent = await startTestAgent({ environmentVariables: { GREETING: 'hello' } });
});
afterEach(() => agent[Symbol.asyncDispose]());

const minute = 60_000;
const start = (script: string, timeoutMs = minute) => agent.call('PUT', '/agent/startup', { script, timeoutMs });

async function poll(after: number, waitMs = 10_000): Promise<AgentStartup> {
  const target = `/agent/startup?after=${String(after)}&waitMs=${String(waitMs)}`;
  return AgentStartup.parse((await agent.call('GET', target)).json);
}

/** Polls to the end, as the control plane does. */
async function follow(): Promise<AgentStartup & { pieces: string[] }> {
  const pieces: string[] = [];
  for (let after = 0; ;) {
    const next = await poll(after);
    if (next.output !== '') pieces.push(next.output);
    after = next.nextOffset;
    if (next.state !== 'running') return { ...next, output: pieces.join(''), pieces };
  }
}

const countOf = (words: string): number =>
  execFileSync('ps', ['-eo', 'args'])
    .toString()
    .split('\n')
    .filter((line) => line.includes(words)).length;

test('before one is started there is none, and asking waits for nothing', async () => {
  const began = performance.now();
  expect(await poll(0)).toEqual({
    state: 'none',
    exitCode: null,
    signal: null,
    output: '',
    nextOffset: 0,
    startedAt: null,
    endedAt: null,
  });
  expect(performance.now() - began).toBeLessThan(5000);
});

test('lines come as they are printed, both streams in order, in the environment of kernels', async () => {
  const gate = path.join(agent.home, 'gate');
  await start(
    `echo "$GREETING from $PWD"; echo "and $HOME" >&2; until [ -e "${gate}" ]; do sleep 0.02; done; echo done`,
  );
  const first = await until(async () => {
    const { output, state } = await poll(0);
    expect(state).toBe('running');
    return output.split('\n').length > 2 ? output : null;
  }, 'the first lines');
  expect(first).toBe(`hello from ${agent.home}\nand ${agent.home}\n`);
  const waiting = poll(first.length);
  execFileSync('touch', [gate]);
  expect((await waiting).output).toMatch(/^done/);
  const over = await follow();
  expect(over).toMatchObject({ state: 'succeeded', exitCode: 0, signal: null });
  expect((over.endedAt ?? 0) - (over.startedAt ?? 0)).toBeGreaterThan(0);
});

test('a script that fails says its code and its last lines', async () => {
  await start('echo one; echo "E: no such package" >&2; exit 3');
  expect(await follow()).toMatchObject({ state: 'failed', exitCode: 3, output: 'one\nE: no such package\n' });
});

test('a script that a signal ends says which', async () => {
  await start('kill -9 $$');
  expect(await follow()).toMatchObject({ state: 'failed', exitCode: null, signal: 'SIGKILL' });
});

test('it is started once, whoever asks again', async () => {
  await start('echo first');
  await follow();
  expect((await start('echo second')).status).toBe(204);
  expect((await follow()).output).toBe('first\n');
});

test('what it leaves in the background lives on when it ends, and keeps nobody waiting', async () => {
  await start('sleep 98.7 & disown; (while :; do echo tick; sleep 0.05; done) & echo started');
  const over = await follow();
  expect(over.state).toBe('succeeded');
  expect(over.output).toContain('started');
  expect(countOf('sleep 98.7')).toBe(1);
});

test('one that never ends is killed with all that it started, wherever that hangs', async () => {
  await start('trap "" TERM HUP INT; (setsid sh -c "sleep 97.1 & sleep 97.2" &); sleep 97.3', 1500);
  await until(() => countOf('sleep 97.') >= 3, 'its processes');
  expect((await agent.call('GET', '/agent/activity')).json.busyReasons).toContain('startup script');
  expect(await follow()).toMatchObject({ state: 'timedOut', exitCode: null, signal: 'SIGKILL' });
  expect(countOf('sleep 97.')).toBe(0);
  expect((await agent.call('GET', '/agent/activity')).json.busyReasons).not.toContain('startup script');
});

test('one that forks without end is killed to the last process', async () => {
  // As many as the limit lets live at once, and a new one for each that goes.
  const bomb =
    'f() { while :; do (exec -a forkbomb-96 sleep 0.2) & sleep 0.01; done; }; for i in $(seq 20); do f & done; wait';
  await start(`exec -a forkbomb-96 bash -c '${bomb}'`, 1500);
  await until(() => countOf('forkbomb-96') > 30, 'many processes');
  expect((await follow()).state).toBe('timedOut');
  expect(countOf('forkbomb-96')).toBe(0);
});

describe('what is in a script', () => {
  test('60 KiB of it, which no argument could hold, in a file that only its owner reads', async () => {
    const lines = Array.from({ length: 2000 }, (_, at) => `x=${String(at)} # ${'-'.repeat(20)}`).join('\n');
    await start(`${lines}\necho "$x $(wc -c < "$0")"`);
    const { output } = await follow();
    expect(output).toMatch(/^1999 \d{5}\n$/);
    expect(statSync(path.join(agent.folder, 'state/startup-script')).mode & 0o777).toBe(0o700);
  });

  test('line ends of Windows mean nothing', async () => {
    await start('if true; then\r\n  echo yes\r\nfi\r\n');
    expect(await follow()).toMatchObject({ state: 'succeeded', output: 'yes\n' });
  });

  test('a NUL is told, and nothing is run', async () => {
    const file = path.join(agent.home, 'made');
    await start(`touch ${file}\n\0\n`);
    const over = await follow();
    expect(over).toMatchObject({ state: 'failed', exitCode: null });
    expect(over.output).toBe(
      'The startup script could not be started: there is a NUL character in it. Remove that, then start again.\n',
    );
    expect(existsSync(file)).toBe(false);
  });

  test('another interpreter on its first line runs it', async () => {
    await start('#!/usr/bin/env python3\nprint("from", "Python")');
    expect(await follow()).toMatchObject({ state: 'succeeded', output: 'from Python\n' });
  });

  test('an interpreter that is not there is told', async () => {
    await start('#!/no/such/program\n');
    const over = await follow();
    expect(over.state).toBe('failed');
    expect(over.output).toContain('/no/such/program');
  });
});

describe('what a script prints', () => {
  test('carriage returns, NULs and bytes that are no UTF-8 come as text', async () => {
    await start(String.raw`printf '10%%\r20%%\r\n\377\0\303\251\n'`);
    expect((await follow()).output).toBe('10%\r20%\r\n\ufffd\0é\n');
  });

  test('of very much the beginning and the end are kept', async () => {
    await start('seq 1 1000000; echo the end');
    const { nextOffset } = await follow();
    const { output } = await poll(0);
    expect(nextOffset).toBe(6_888_904);
    expect(output.length).toBeLessThan(300_000);
    expect(output.startsWith('1\n2\n3\n')).toBe(true);
    expect(output.endsWith('999999\n1000000\nthe end\n')).toBe(true);
    expect(output).toMatch(/\n\[6,626,760 characters are left out here\]\n/);
    // Who asks from a place that is kept gets no notice.
    expect((await poll(nextOffset - 8)).output).toBe('the end\n');
  });
});

test('standard input is empty, so that a question ends instead of waiting', async () => {
  await start('read answer || echo nobody answers');
  expect((await follow()).output).toBe('nobody answers\n');
});

test('no argument of a process has the script in it', async () => {
  await start('secret=swordfish; sleep 95.4', 2000);
  await until(() => countOf('sleep 95.4') === 1, 'the script');
  const shown = execFileSync('ps', ['-eo', 'args']).toString();
  expect(shown).not.toContain('swordfish');
  expect(readFileSync(path.join(agent.folder, 'state/startup-script'), 'utf8')).toContain('swordfish');
});
