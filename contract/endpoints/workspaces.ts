import * as z from 'zod';
import type { Endpoint } from '../endpoint.ts';
import { BillingProjectName, Description, WorkspaceName } from '../names.ts';
import { Workspace } from '../resources.ts';
import { AclChange, AclEntry, ChangedAclEntry, Invitation } from '../sharing.ts';
import { workspacePath, workspaceParams } from './places.ts';

export const workspacesEndpoints = {
  listWorkspaces: {
    method: 'GET',
    path: '/api/workspaces',
    tag: 'Workspaces',
    summary: 'Workspaces you can see',
    response: z.array(Workspace),
  },
  createWorkspace: {
    method: 'POST',
    path: '/api/workspaces',
    tag: 'Workspaces',
    summary: 'Create a workspace with its bucket',
    body: z.strictObject({
      namespace: BillingProjectName,
      name: WorkspaceName,
      description: Description.optional(),
      withExamples: z.boolean().optional(),
    }),
    response: Workspace,
    status: 201,
  },
  getWorkspace: {
    method: 'GET',
    path: workspacePath,
    tag: 'Workspaces',
    summary: 'One workspace',
    params: workspaceParams,
    response: Workspace,
  },
  updateWorkspace: {
    method: 'PATCH',
    path: workspacePath,
    tag: 'Workspaces',
    summary: 'Change the description',
    params: workspaceParams,
    body: z.strictObject({ description: Description }),
    response: Workspace,
  },
  deleteWorkspace: {
    method: 'DELETE',
    path: workspacePath,
    tag: 'Workspaces',
    summary: 'Delete a workspace, its bucket and its notebooks; refused while it has environments or disks',
    params: workspaceParams,
    status: 204,
  },
  getWorkspaceAcl: {
    method: 'GET',
    path: `${workspacePath}/acl`,
    tag: 'Workspaces',
    summary: 'Who is in the workspace, for those who may share it',
    params: workspaceParams,
    response: z.array(AclEntry),
  },
  updateWorkspaceAcl: {
    method: 'PATCH',
    path: `${workspacePath}/acl`,
    tag: 'Workspaces',
    summary:
      'Let people in, change their rights, or remove them (NO ACCESS): all of the list or nothing. For an e-mail address without an account one is made, and its invitation link is returned this once.',
    params: workspaceParams,
    body: z
      .array(AclChange, 'Send a list of people, each with an e-mail address and a role.')
      .min(1, 'Name at least one person.')
      .max(100, 'Name at most 100 people at once.'),
    response: z.array(ChangedAclEntry),
  },
  createInvitation: {
    method: 'POST',
    path: `${workspacePath}/acl/{email}/invitation`,
    tag: 'Workspaces',
    summary: 'Make a new invitation link for someone who has never signed in; your earlier one ends',
    params: workspaceParams.extend({ email: z.string() }),
    response: Invitation,
    status: 201,
  },
  leaveWorkspace: {
    method: 'POST',
    path: `${workspacePath}/leave`,
    tag: 'Workspaces',
    summary: 'Give up your own access',
    params: workspaceParams,
    status: 204,
  },
  openDoor: {
    method: 'POST',
    path: `${workspacePath}/door`,
    tag: 'Workspaces',
    summary: "A one-use link that signs the browser in to the workspace's JupyterLab",
    params: workspaceParams,
    body: z.strictObject({
      path: z
        .string()
        .max(2000)
        .optional()
        .describe('Where to go in JupyterLab, for example lab/tree/notebooks/a.ipynb'),
    }),
    response: z.object({ url: z.string() }),
  },
} as const satisfies Record<string, Endpoint>;
