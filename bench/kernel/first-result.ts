import { ask, field } from '../peers/answers.ts';
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

/** @returns the new kernel's id */
export async function createKernel({ url, authorization }: KernelHost, signal: AbortSignal): Promise<string> {
  const { value } = await ask('POST', `${url}/api/kernels`, { authorization, signal, body: { name: 'python3' } });
  return field(value, 'id');
}

/** Starts a Python kernel and runs the first cell, as quickly as the server lets us. */
export async function firstResult(host: KernelHost, signal: AbortSignal): Promise<FirstResult> {
  const kernelId = await createKernel(host, signal);
  const kernelAt = performance.now();
  const kernel = await openKernelSocket({ ...host, kernelId });
  const socketAt = performance.now();
  try {
    const { text, resultAt } = await kernel.execute('6 * 7');
    if (text !== '42') throw new Error(`The first cell gave "${text}" instead of 42.`);
    return { kernelAt, socketAt, resultAt };
  } finally {
    kernel.close();
  }
}
