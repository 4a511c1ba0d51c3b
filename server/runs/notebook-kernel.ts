import { AppError } from '@terrarium/contract';
import type { LiveDocument } from '../documents/live-document.ts';
import type { AgentDoor } from '../environments/agent-client.ts';
import { agentKernels } from './agent-kernels.ts';
import { chooseKernel } from './kernel-choice.ts';

/**
 * The kernel of a notebook in an environment: that of its session, which is the one that JupyterLab finds by the
 * notebook's path, else a new one of the kind that the notebook names.
 * @param lastKernelId  the kernel that this notebook ran on before; it may have had another path then
 * @throws AppError InvalidInput (no kernel fits, with what to do), DriverUnavailable
 */
export async function findKernel(
  door: AgentDoor,
  document: LiveDocument,
  lastKernelId: string | null,
): Promise<{ kernelId: string; notice: string | null }> {
  const path = document.key;
  const sessions = await agentKernels.sessions(door);
  const own = sessions.find((session) => session.path === path);
  if (own !== undefined) return { kernelId: own.kernelId, notice: null };
  const former = sessions.find(({ kernelId }) => kernelId === lastKernelId);
  if (former !== undefined) {
    await agentKernels.renameSession(door, former.id, path);
    return { kernelId: former.kernelId, notice: null };
  }
  const { offered, defaultName } = await agentKernels.kernelspecs(door);
  const choice = chooseKernel(document.notebook().metadata, offered, defaultName);
  if (choice.kind === 'none') throw new AppError('InvalidInput', choice.reason);
  const { kernelId } = await agentKernels.openSession(door, path, choice.name);
  return { kernelId, notice: choice.notice };
}

/** After the notebook got another path: its session follows, so that whoever opens it finds the same kernel. */
export async function followPath(door: AgentDoor, kernelId: string, path: string): Promise<void> {
  const session = (await agentKernels.sessions(door)).find((one) => one.kernelId === kernelId);
  if (session !== undefined && session.path !== path) await agentKernels.renameSession(door, session.id, path);
}
