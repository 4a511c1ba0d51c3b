import { linkOptions } from '@tanstack/react-router';

interface WorkspaceName {
  namespace: string;
  name: string;
}

const workspaceParams = ({ namespace, name }: WorkspaceName): WorkspaceName => ({ namespace, name });

/** Every link of the app is made here. */
export const links = {
  signIn: (next?: string) => linkOptions({ to: '/signin', search: next === undefined ? {} : { next } }),
  workspaces: () => linkOptions({ to: '/workspaces' }),
  dashboard: (workspace: WorkspaceName) =>
    linkOptions({ to: '/workspaces/$namespace/$name', params: workspaceParams(workspace) }),
  notebooks: (workspace: WorkspaceName) =>
    linkOptions({ to: '/workspaces/$namespace/$name/notebooks', params: workspaceParams(workspace) }),
  preview: (workspace: WorkspaceName, path: string) =>
    linkOptions({
      to: '/workspaces/$namespace/$name/notebooks/$path/preview',
      params: { ...workspaceParams(workspace), path },
    }),
  history: (
    workspace: WorkspaceName,
    path: string,
    search: { version?: string | undefined; against?: 'current' | undefined } = {},
  ) =>
    linkOptions({
      to: '/workspaces/$namespace/$name/notebooks/$path/history',
      params: { ...workspaceParams(workspace), path },
      search,
    }),
  open: (workspace: WorkspaceName, path: string) =>
    linkOptions({
      to: '/workspaces/$namespace/$name/notebooks/$path/open',
      params: { ...workspaceParams(workspace), path },
    }),
  lab: (workspace: WorkspaceName) =>
    linkOptions({ to: '/workspaces/$namespace/$name/lab', params: workspaceParams(workspace) }),
  files: (workspace: WorkspaceName, folder?: string) =>
    linkOptions({
      to: '/workspaces/$namespace/$name/files',
      params: workspaceParams(workspace),
      search: folder === undefined || folder === '' ? {} : { folder },
    }),
  /** The one that notebooks run in, or the one of that name; `view` is a form in its place, begun with `disk` or `memory`. */
  environment: (
    workspace: WorkspaceName,
    search: { environment?: string; view?: 'new' | 'edit'; disk?: string; memory?: number } = {},
    hash?: string,
  ) =>
    linkOptions({
      to: '/workspaces/$namespace/$name/environment',
      params: workspaceParams(workspace),
      search,
      ...(hash === undefined ? {} : { hash }),
    }),
  environments: () => linkOptions({ to: '/environments' }),
  disks: () => linkOptions({ to: '/disks' }),
  billing: () => linkOptions({ to: '/billing' }),
  billingProject: (project: string) => linkOptions({ to: '/billing/$project', params: { project } }),
  tokens: () => linkOptions({ to: '/account/tokens' }),
  /** `isNew` greets someone who has just accepted an invitation. */
  password: ({ isNew }: { isNew?: true } = {}) =>
    linkOptions({ to: '/account/password', search: isNew === undefined ? {} : { isNew } }),
} as const;
