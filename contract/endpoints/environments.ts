import * as z from 'zod';
import type { Endpoint } from '../endpoint.ts';
import { Disk, Environment, EnvironmentCreate, Image, NotebookMirror } from '../resources.ts';
import { workspacePath, workspaceParams } from './places.ts';

const environmentParams = workspaceParams.extend({ environment: z.string() });

export const environmentsEndpoints = {
  listImages: { method: 'GET', path: '/api/images', tag: 'Images', summary: 'The catalogue', response: z.array(Image) },

  listAllEnvironments: {
    method: 'GET',
    path: '/api/environments',
    tag: 'Environments',
    summary: 'Your environments over all workspaces',
    response: z.array(Environment),
  },
  listEnvironments: {
    method: 'GET',
    path: `${workspacePath}/environments`,
    tag: 'Environments',
    summary: 'Your environments in a workspace',
    params: workspaceParams,
    response: z.array(Environment),
  },
  createEnvironment: {
    method: 'POST',
    path: `${workspacePath}/environments`,
    tag: 'Environments',
    summary: 'Create an environment; its disk is created, or your detached one reattached',
    params: workspaceParams,
    body: EnvironmentCreate,
    response: Environment,
    status: 202,
  },
  getEnvironment: {
    method: 'GET',
    path: `${workspacePath}/environments/{environment}`,
    tag: 'Environments',
    summary: 'One environment, by name or id',
    params: environmentParams,
    response: Environment,
  },
  deleteEnvironment: {
    method: 'DELETE',
    path: `${workspacePath}/environments/{environment}`,
    tag: 'Environments',
    summary: 'Delete the environment and its boot disk; the persistent disk only with deleteDisk=true',
    params: environmentParams,
    query: z.object({ deleteDisk: z.enum(['true', 'false'], 'deleteDisk is true or false.').default('false') }),
    response: Environment,
    status: 202,
  },
  startEnvironment: {
    method: 'POST',
    path: `${workspacePath}/environments/{environment}/start`,
    tag: 'Environments',
    summary: 'Resume',
    params: environmentParams,
    response: Environment,
    status: 202,
  },
  stopEnvironment: {
    method: 'POST',
    path: `${workspacePath}/environments/{environment}/stop`,
    tag: 'Environments',
    summary: 'Pause: processes end, boot disk and disk stay',
    params: environmentParams,
    response: Environment,
    status: 202,
  },
  getNotebookMirror: {
    method: 'GET',
    path: `${workspacePath}/environments/{environment}/mirror`,
    tag: 'Environments',
    summary: "How the disk's ~/notebooks and the notebooks of the bucket stand to one another",
    params: environmentParams,
    response: NotebookMirror,
  },

  listDisks: {
    method: 'GET',
    path: '/api/disks',
    tag: 'Disks',
    summary: 'Your disks over all workspaces',
    response: z.array(Disk),
  },
  getDisk: {
    method: 'GET',
    path: '/api/disks/{id}',
    tag: 'Disks',
    summary: 'One disk',
    params: z.object({ id: z.string() }),
    response: Disk,
  },
  deleteDisk: {
    method: 'DELETE',
    path: '/api/disks/{id}',
    tag: 'Disks',
    summary: 'Delete a detached disk and everything on it',
    params: z.object({ id: z.string() }),
    response: Disk,
    status: 202,
  },
} as const satisfies Record<string, Endpoint>;
