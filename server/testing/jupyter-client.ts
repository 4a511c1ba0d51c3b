import { createRequire } from 'node:module';
import type { Kernel, KernelManager as KernelManagerType } from '@jupyterlab/services';
import type { ControlPlane } from './control-plane.ts';

// The package is CommonJS for browsers and Node; require gives its Node form.
const require = createRequire(import.meta.url);
const { KernelManager, ServerConnection } = require('@jupyterlab/services') as typeof import('@jupyterlab/services');
const { WebSocket } = require('ws') as typeof import('ws');

/** A stock Jupyter client at a workspace's door for programs. */
export function jupyterSettings(plane: Pick<ControlPlane, 'url' | 'token'>, namespace: string, name: string) {
  const baseUrl = `${plane.url}/jupyter/${namespace}/${name}/`;
  return ServerConnection.makeSettings({
    baseUrl,
    wsUrl: baseUrl.replace(/^http/, 'ws'),
    token: plane.token,
    appendToken: true,
    // The two WebSocket types differ only in browser events that are not used.
    WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
    fetch,
    Request,
    Headers,
  });
}

export function kernelManager(
  plane: Pick<ControlPlane, 'url' | 'token'>,
  namespace: string,
  name: string,
): KernelManagerType {
  return new KernelManager({ serverSettings: jupyterSettings(plane, namespace, name) });
}

/** Runs pieces of code in a fresh kernel of a workspace's environment; resolves to what each gave. */
export async function inFreshKernel(
  plane: Pick<ControlPlane, 'url' | 'token'>,
  workspace: { readonly namespace: string; readonly name: string },
  kernelName: string,
  ...codes: string[]
): Promise<string[]> {
  const manager = kernelManager(plane, workspace.namespace, workspace.name);
  const kernel = await manager.startNew({ name: kernelName });
  const answers: string[] = [];
  for (const code of codes) answers.push((await run(kernel, code)).trim());
  await kernel.shutdown();
  manager.dispose();
  return answers;
}

/** Runs code and returns what it printed or resulted in, as one text. */
export async function run(kernel: Kernel.IKernelConnection, code: string): Promise<string> {
  let text = '';
  const future = kernel.requestExecute({ code });
  future.onIOPub = (message) => {
    const { content } = message;
    if ('text' in content) text += String(content.text);
    else if ('data' in content) text += JSON.stringify((content.data as Record<string, unknown>)['text/plain']);
    else if ('traceback' in content) text += (content.traceback as string[]).join('\n');
  };
  await future.done;
  return text;
}
