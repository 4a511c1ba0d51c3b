import { createConnection } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AgentActivity } from '@terrarium/contract/agent';
import { connectKernel } from '../testing/kernel-client.ts';
import { startTestAgent, until, type TestAgent } from '../testing/test-agent.ts';

/** What a row may do in an environment of its own. */
interface Stage {
  readonly agent: TestAgent;
  /** Runs a cell to its end. */
  run(code: string): Promise<string>;
  begin(code: string): void;
  type(text: string): void;
  /** Waits for what a terminal or a cell has written to a file of the disk. */
  written(file: string): Promise<void>;
  closeTerminal(): Promise<void>;
}

type Row = [what: string, reason: RegExp | null, set: (stage: Stage) => Promise<void> | void];

/** Each row is a situation with real kernels, terminals and processes; a null reason means that it may be paused. */
const table: Row[] = [
  [
    'a cell that sleeps',
    /^kernel python3 is busy \(n\.ipynb\)$/,
    ({ begin }) => {
      begin('import time; time.sleep(600)');
    },
  ],
  [
    'a cell that waits for input()',
    /^kernel python3 is busy \(n\.ipynb\)$/,
    ({ begin }) => {
      begin('input()');
    },
  ],
  ['an open kernel that waits, with its WebSocket', null, async ({ run }) => void (await run('1'))],
  [
    'a thread that computes when its cell has ended',
    /^kernel python3 \(n\.ipynb\) works in the background$/,
    async ({ run }) => {
      await run(
        'import threading\ndef work():\n  while True: sum(range(1000))\nthreading.Thread(target=work, daemon=True).start()',
      );
    },
  ],
  [
    'a thread that waits when its cell has ended',
    null,
    async ({ run }) => {
      await run('import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()');
    },
  ],
  [
    'an idle pool of forked workers',
    null,
    async ({ run }) => {
      await run('import multiprocessing as mp\npool = mp.get_context("fork").Pool(2)\npool.map(abs, [1, 2])');
    },
  ],
  [
    'an idle pool of spawned workers, with its resource tracker',
    null,
    async ({ run }) => {
      await run('import multiprocessing as mp\npool = mp.get_context("spawn").Pool(2)\npool.map(abs, [1, 2])');
    },
  ],
  [
    'a worker that computes when the cell has ended',
    /^process python\S* \(\d+\) is at work, started by kernel python3 \(n\.ipynb\)$/,
    async ({ run }) => {
      await run(
        'import multiprocessing as mp\ndef work():\n  while True: pass\nmp.get_context("fork").Process(target=work).start()',
      );
    },
  ],
  [
    'a program that a cell has started and left, silent',
    /^process sleep \(\d+\) runs in the background, started by kernel python3 \(n\.ipynb\)$/,
    async ({ run }) => void (await run('import subprocess; p = subprocess.Popen(["sleep", "600"])')),
  ],
  [
    'a zombie that a cell has left',
    null,
    async ({ run }) => {
      await run('import subprocess; p = subprocess.Popen(["true"])');
      expect(await run('import os; os.waitid(os.P_PID, p.pid, os.WEXITED | os.WNOWAIT); print("ended", end="")')).toBe(
        'ended',
      );
    },
  ],
  [
    'a terminal at its prompt',
    null,
    ({ type }) => {
      type('true\r');
    },
  ],
  [
    'a shell in a shell at its prompt',
    null,
    ({ type }) => {
      type('bash\r');
    },
  ],
  [
    'a command that sleeps in a terminal',
    /^terminal 1 runs sleep$/,
    ({ type }) => {
      type('sleep 600\r');
    },
  ],
  [
    'an editor that waits in a terminal',
    /^terminal 1 runs vim?$/,
    ({ type }) => {
      type('vi notes.txt\r');
    },
  ],
  [
    'a program that waits for typing in a terminal',
    /^terminal 1 runs cat$/,
    ({ type }) => {
      type('cat\r');
    },
  ],
  [
    'a command that was stopped in a terminal',
    null,
    async ({ type, written }) => {
      type('(touch began; exec sleep 600)\r');
      await written('began');
      type('\u001a');
    },
  ],
  [
    'a job behind the prompt of an open terminal',
    /^terminal 1 runs sleep in the background$/,
    ({ type }) => {
      type('sleep 600 &\r');
    },
  ],
  [
    'a silent nohup job of a terminal that was closed',
    /^process sleep \(\d+\) runs in the background$/,
    async ({ type, written, closeTerminal }) => {
      type('nohup sleep 600 > /dev/null 2>&1 & disown; touch began\r');
      await written('began');
      await closeTerminal();
    },
  ],
  [
    'a nohup job that computes',
    /^process (bash|sh) \(\d+\) is at work$/,
    async ({ type, written, closeTerminal }) => {
      type('nohup sh -c "while :; do :; done" > /dev/null 2>&1 & disown; touch began\r');
      await written('began');
      await closeTerminal();
    },
  ],
  [
    'a nohup job that only writes to the disk',
    /^process \w+ \(\d+\) (is at work|runs in the background)$/,
    async ({ type, written, closeTerminal }) => {
      type(
        'nohup sh -c "while :; do head -c 2000000 /dev/zero > out; sleep 0.2; done" > /dev/null 2>&1 & disown; touch began\r',
      );
      await written('began');
      await closeTerminal();
    },
  ],
  [
    'a web server that nobody asks, in front of a terminal',
    null,
    async ({ type, agent }) => {
      type('python3 -u -m http.server 0 > served 2>&1\r');
      await untilServing(agent);
    },
  ],
  [
    'a web server that nobody asks, left by a terminal, with a connection that is open',
    null,
    async ({ type, agent, closeTerminal }) => {
      type('nohup python3 -u -m http.server 0 > served 2>&1 & disown\r');
      const port = await untilServing(agent);
      await closeTerminal();
      const socket = createConnection(port, '127.0.0.1');
      await new Promise((resolve) => socket.once('connect', resolve));
      open.push(() => socket.destroy());
    },
  ],
  [
    'a server that reads and sends without end',
    /^process python\S* \(\d+\) is at work$/,
    async ({ run }) => {
      await run(`import subprocess, sys
code = """
import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
while True:
    open("/dev/zero", "rb").read(3000000); time.sleep(0.2)
"""
p = subprocess.Popen(["setsid", "-f", sys.executable, "-c", code]); p.wait()`);
    },
  ],
  [
    'agents and buses that wait on a socket of their own',
    null,
    async ({ type, written }) => {
      type(
        'ssh-agent -s > a; dbus-daemon --session --fork --print-address > b; gpg-agent --homedir "$PWD" --daemon > c; touch began\r',
      );
      await written('began');
    },
  ],
  [
    'a silent job inside tmux or what keeps terminals as it does',
    /^process sleep \(\d+\) runs in the background$/,
    async ({ run }) => {
      // A server that keeps a terminal, with a job in that: tmux itself may not be there.
      await run(`import subprocess, sys
code = """
import pty, socket, os
s = socket.socket(socket.AF_UNIX); s.bind("windows"); s.listen()
if pty.fork()[0] == 0: os.execvp("sleep", ["sleep", "600"])
s.accept()
"""
p = subprocess.Popen(["setsid", "-f", sys.executable, "-c", code]); p.wait()`);
    },
  ],
  [
    'a startup script that is silent',
    /^startup script$/,
    async ({ agent }) => void (await agent.call('PUT', '/agent/startup', { script: 'sleep 600', timeoutMs: 600_000 })),
  ],
  [
    'what a startup script has left, silent',
    null,
    async ({ agent }) => {
      await agent.call('PUT', '/agent/startup', { script: 'nohup sleep 600 > /dev/null 2>&1 &', timeoutMs: 600_000 });
      await until(async () => (await agent.call('GET', '/agent/startup')).json.state === 'succeeded', 'its end');
    },
  ],
];

/** The agent measures once a second at most. */
const settledMs = 1300;

let agent: TestAgent;
let open: (() => void)[] = [];
beforeEach(async () => {
  agent = await startTestAgent();
});
afterEach(async () => {
  for (const close of open) close();
  open = [];
  await agent[Symbol.asyncDispose]();
});

async function look(): Promise<AgentActivity> {
  // Answered by the agent under test; a wrong shape fails what is expected of it.
  return (await agent.call('GET', '/agent/activity')).json as AgentActivity;
}

test.each(table)(
  '%s: %s',
  async (_, reason, set) => {
    await set(await createStage());
    const isRight = ({ busyReasons }: AgentActivity): boolean =>
      reason === null ? busyReasons.length === 0 : busyReasons.length === 1 && reason.test(busyReasons[0] ?? '');
    // What setting the scene has used is over, and it stays so over more than one measurement.
    let latest = await look();
    let since = Infinity;
    await until(async () => {
      latest = await look();
      since = isRight(latest) ? Math.min(since, Date.now()) : Infinity;
      return Date.now() - since > settledMs;
    }, String(reason)).catch(() => {
      expect(latest.busyReasons).toEqual(reason === null ? [] : [reason]);
    });
  },
  30_000,
);

test('cells that run and wait are counted over all kernels', async () => {
  const stage = await createStage();
  stage.begin('input()');
  stage.begin('2');
  await until(async () => (await look()).runningCells === 2, 'both');
  const { json } = await agent.call('POST', '/api/kernels', { name: 'python3' });
  const client = await connectKernel(agent, json.id);
  client.execute('input()');
  await until(async () => (await look()).runningCells === 3, 'that of the other kernel');
});

async function createStage(): Promise<Stage> {
  const { json } = await agent.call('POST', '/api/sessions', {
    path: 'n.ipynb',
    name: '',
    type: 'notebook',
    kernel: { name: 'python3' },
  });
  const client = await connectKernel(agent, json.kernel.id);
  await client.run('1');
  const name = String((await agent.call('POST', '/api/terminals')).json.name);
  const terminal = agent.socket(`/terminals/websocket/${name}`);
  await new Promise((resolve) => terminal.once('open', resolve));
  return {
    agent,
    run: (code) => client.run(code),
    begin(code) {
      client.execute(code);
    },
    type(text) {
      terminal.send(JSON.stringify(['stdin', text]));
    },
    async written(file) {
      await until(async () => (await agent.call('GET', `/api/contents/${file}?content=0`)).status === 200, file);
    },
    async closeTerminal() {
      await agent.call('DELETE', `/api/terminals/${name}`);
    },
  };
}

/** Which port a web server has said that it serves. */
async function untilServing(at: TestAgent): Promise<number> {
  return until(async () => {
    const { json } = await at.call('GET', '/api/contents/served?type=file&format=text');
    const port = / port (\d+)/.exec(String(json?.content))?.[1];
    return port === undefined ? null : Number(port);
  }, 'the server to listen');
}
