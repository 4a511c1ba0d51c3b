import { PageConfig } from '@jupyterlab/coreutils';
import { WorkspaceRole } from '@terrarium/contract';
import * as z from 'zod';

const WorkspaceOfPage = z.object({
  workspaceId: z.string(),
  namespace: z.string(),
  name: z.string(),
  /** Origin of the app, without a slash at the end. */
  appUrl: z.string(),
  role: WorkspaceRole,
  canCompute: z.boolean(),
  /** Whose kernels run here: executions of a document say by it whom they belong to. */
  accountId: z.string(),
  userEmail: z.string(),
  userName: z.string(),
});
export type WorkspaceOfPage = z.infer<typeof WorkspaceOfPage>;

/** The workspace this page was opened for, and who opened it, as the server wrote it into the page. */
export const workspace: WorkspaceOfPage = WorkspaceOfPage.parse(JSON.parse(PageConfig.getOption('terrarium')));

export const canEdit: boolean = workspace.role !== 'READER';

/** A page of the app about this workspace, for example `notebooks` or `environment?view=edit`. */
export function workspaceUrl(page: 'notebooks' | 'environment' | `environment?${string}`): string {
  const path = [workspace.namespace, workspace.name].map(encodeURIComponent).join('/');
  return `${workspace.appUrl}/workspaces/${path}/${page}`;
}
