import * as z from 'zod';
import type { Endpoint } from '../endpoint.ts';
import { Kernel, Run } from '../resources.ts';
import { workspacePath, workspaceParams, notebookParams } from './places.ts';

const kernelParams = workspaceParams.extend({ kernel: z.string() });

export const runsEndpoints = {
  startRun: {
    method: 'POST',
    path: `${workspacePath}/notebooks/{path}/run`,
    tag: 'Runs',
    summary: 'Run cells in order, all code cells when none are named; your environment is started if need be',
    params: notebookParams,
    body: z.strictObject({ cells: z.array(z.string().max(100)).max(10_000).optional() }),
    response: z.object({ run: z.string() }),
    status: 202,
  },
  listRuns: {
    method: 'GET',
    path: `${workspacePath}/notebooks/{path}/runs`,
    tag: 'Runs',
    summary: 'Your runs of a notebook, latest first',
    params: notebookParams,
    response: z.array(Run),
  },
  getRun: {
    method: 'GET',
    path: `${workspacePath}/notebooks/{path}/runs/{run}`,
    tag: 'Runs',
    summary: 'How far a run has come',
    params: notebookParams.extend({ run: z.string() }),
    response: Run,
  },
  interruptRun: {
    method: 'POST',
    path: `${workspacePath}/notebooks/{path}/runs/{run}/interrupt`,
    tag: 'Runs',
    summary: 'Interrupt the kernel, and take back what waits for it in this notebook',
    params: notebookParams.extend({ run: z.string() }),
    response: Run,
  },
  answerInput: {
    method: 'POST',
    path: `${workspacePath}/notebooks/{path}/input`,
    tag: 'Runs',
    summary: 'Answer the input() that a cell waits for',
    params: notebookParams,
    body: z.strictObject({ cell: z.string().max(100), value: z.string().max(1_000_000) }),
    status: 204,
  },

  listKernels: {
    method: 'GET',
    path: `${workspacePath}/kernels`,
    tag: 'Kernels',
    summary: 'Kernels of your running environments in a workspace',
    params: workspaceParams,
    response: z.array(Kernel),
  },
  interruptKernel: {
    method: 'POST',
    path: `${workspacePath}/kernels/{kernel}/interrupt`,
    tag: 'Kernels',
    summary: 'Stop the cell that runs; variables stay',
    params: kernelParams,
    status: 204,
  },
  restartKernel: {
    method: 'POST',
    path: `${workspacePath}/kernels/{kernel}/restart`,
    tag: 'Kernels',
    summary: 'Begin anew: variables are lost, outputs stay. Answers when the kernel does.',
    params: kernelParams,
    response: Kernel,
  },
  shutDownKernel: {
    method: 'DELETE',
    path: `${workspacePath}/kernels/{kernel}`,
    tag: 'Kernels',
    summary: 'Shut down: variables are lost, outputs stay',
    params: kernelParams,
    status: 204,
  },
} as const satisfies Record<string, Endpoint>;
