import type { Workspace } from '@terrarium/contract';
import { queryOptions, useSuspenseQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { api } from '../api.ts';

export const workspacesQuery = queryOptions({
  queryKey: ['workspaces'],
  queryFn: ({ signal }) => api.listWorkspaces({ signal }),
});

export function workspaceQuery({ namespace, name }: { namespace: string; name: string }) {
  return queryOptions({
    queryKey: ['workspaces', namespace, name],
    queryFn: ({ signal }) => api.getWorkspace({ params: { namespace, name }, signal }),
  });
}

/** The workspace whose page this is; its route has read it before anything inside renders. */
export function useWorkspace(): Workspace {
  const params = useParams({ from: '/app/workspaces/$namespace/$name' });
  return useSuspenseQuery(workspaceQuery(params)).data;
}
