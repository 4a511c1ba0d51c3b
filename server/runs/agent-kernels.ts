import { AppError } from '@terrarium/contract';
import * as z from 'zod';
import type { AgentDoor } from '../environments/agent-client.ts';
import { askAgent } from '../notebooks/agent-http.ts';
import type { OfferedKernel } from './kernel-choice.ts';

const Session = z.object({ id: z.string(), path: z.string(), kernel: z.object({ id: z.string() }).nullable() });
const Specs = z.object({
  default: z.string().nullable(),
  kernelspecs: z.record(
    z.string(),
    z.object({ name: z.string(), spec: z.object({ display_name: z.string(), language: z.string() }) }),
  ),
});
const Executions = z.object({
  executions: z.array(
    z.object({
      msgId: z.string(),
      state: z.enum(['queued', 'running', 'done']),
      outcome: z.enum(['ok', 'error', 'aborted', 'died']).nullable(),
      startedAt: z.number().nullable(),
      endedAt: z.number().nullable(),
      executionCount: z.number().nullable(),
    }),
  ),
});

export type AgentExecution = z.infer<typeof Executions>['executions'][number];
export interface NotebookSession {
  readonly id: string;
  readonly path: string;
  readonly kernelId: string;
}

/**
 * What runs need of an agent's Jupyter Server API.
 * @throws AppError DriverUnavailable  it does not answer
 */
export const agentKernels = {
  async sessions(door: AgentDoor): Promise<NotebookSession[]> {
    const sessions = z.array(Session).parse(await ask(door, 'GET', '/api/sessions'));
    return sessions.flatMap(({ id, path, kernel }) => (kernel === null ? [] : [{ id, path, kernelId: kernel.id }]));
  },

  async kernelspecs(door: AgentDoor): Promise<{ offered: OfferedKernel[]; defaultName: string | null }> {
    const specs = Specs.parse(await ask(door, 'GET', '/api/kernelspecs'));
    const offered = Object.values(specs.kernelspecs).map(({ name, spec }) => ({
      name,
      displayName: spec.display_name,
      language: spec.language,
    }));
    return { offered, defaultName: specs.default };
  },

  /** The session of this path, the one that JupyterLab finds too; made with a new kernel where there is none. */
  async openSession(door: AgentDoor, path: string, kernelName: string): Promise<NotebookSession> {
    const name = path.split('/').at(-1) ?? path;
    const body = { path, name, type: 'notebook', kernel: { name: kernelName } };
    const { id, kernel } = Session.parse(await ask(door, 'POST', '/api/sessions', body));
    if (kernel === null) throw new AppError('DriverUnavailable', 'The kernel ended as soon as it was started.');
    return { id, path, kernelId: kernel.id };
  },

  async renameSession(door: AgentDoor, sessionId: string, path: string): Promise<void> {
    const name = path.split('/').at(-1) ?? path;
    await ask(door, 'PATCH', `/api/sessions/${encodeURIComponent(sessionId)}`, { path, name });
  },

  async hasKernel(door: AgentDoor, kernelId: string): Promise<boolean> {
    return (await answer(door, 'GET', `/api/kernels/${encodeURIComponent(kernelId)}`)).status !== 404;
  },

  async interrupt(door: AgentDoor, kernelId: string): Promise<void> {
    await ask(door, 'POST', `/api/kernels/${encodeURIComponent(kernelId)}/interrupt`, {});
  },

  /** Every execution that the kernel was asked for, oldest first; null when there is no such kernel any more. */
  async executions(door: AgentDoor, kernelId: string): Promise<AgentExecution[] | null> {
    const { status, body } = await answer(door, 'GET', `/agent/kernels/${encodeURIComponent(kernelId)}/executions`);
    if (status === 404) return null;
    if (status !== 200) throw refused(status, body);
    return Executions.parse(JSON.parse(body)).executions;
  },
};

async function ask(door: AgentDoor, method: string, path: string, body?: unknown): Promise<unknown> {
  const { status, body: text } = await answer(door, method, path, body);
  if (status >= 300) throw refused(status, text);
  return text === '' ? null : (JSON.parse(text) as unknown);
}

async function answer(door: AgentDoor, method: string, path: string, body?: unknown) {
  const sent = body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) };
  const { status, body: bytes } = await askAgent(door, { method, path, ...sent });
  return { status, body: bytes.toString() };
}

function refused(status: number, text: string): AppError {
  const said = z.object({ message: z.string() }).safeParse(parsed(text));
  const message = said.success ? said.data.message : `The environment's agent answered ${String(status)}.`;
  return new AppError('DriverUnavailable', message);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
