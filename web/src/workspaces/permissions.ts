import type { Workspace } from '@terrarium/contract';

/** Why you cannot change the workspace's notebooks and files, or undefined when you can. */
export function writeProblem(workspace: Workspace): string | undefined {
  if (workspace.role !== 'READER') return undefined;
  return `You can read this workspace, not change it. Ask ${workspace.owner} for the role WRITER.`;
}

/** Why you cannot run an environment here, or undefined when you can. */
export function computeProblem(workspace: Workspace): string | undefined {
  if (workspace.canCompute) return undefined;
  return `You may not run environments in this workspace. Ask ${workspace.owner} to allow you to compute.`;
}

/** Why you cannot delete the workspace or change its description, or undefined when you can. */
export function ownerProblem(workspace: Workspace): string | undefined {
  if (workspace.role === 'OWNER') return undefined;
  return `Only an owner of this workspace can do this. Ask ${workspace.owner}.`;
}
