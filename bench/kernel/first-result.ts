import { ask, field } from '../peers/answers.ts';
import type { KernelConnection } from './kernel-connection.ts';
import { openKernelSocket } from './kernel-socket.ts';

/** A Jupyter server that is ready. */
export interface KernelHost {
  /** With its base path, without a trailing slash. */
  readonly url: string;
  readonly authorization: string;
}

/** Moments by `performance.now()`. */
export interface FirstResult {
  readonly kernelAt: number;
  readonly socketAt: number;
  readonly resultAt: number;
}

export async function startKernel(host: KernelHost, signal: AbortSignal): Promise<KernelConnection> {
  const { url, authorization } = host;
  const { value } = await ask('POST', `${url}/api/kernels`, { authorization, signal, body: { name: 'python3' } });
  return openKernelSocket({ url, authorization, kernelId: field(value, 'id') });
}

/** Starts a Python kernel and runs the first cell, as quickly as the server lets us. */
export async function firstResult(host: KernelHost, signal: AbortSignal): Promise<FirstResult> {
  const { url, authorization } = host;
  const { value } = await ask('POST', `${url}/api/kernels`, { authorization, signal, body: { name: 'python3' } });
  const kernelAt = performance.now();
  const kernel = await openKernelSocket({ url, authorization, kernelId: field(value, 'id') });
  const socketAt = performance.now();
  try {
    const { text, resultAt } = await kernel.execute('6 * 7');
    if (text !== '42') throw new Error(`The first cell gave "${text}" instead of 42.`);
    return { kernelAt, socketAt, resultAt };
  } finally {
    kernel.close();
  }
}
