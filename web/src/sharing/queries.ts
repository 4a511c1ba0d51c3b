import { type AclChange, type ChangedAclEntry, type Workspace } from '@terrarium/contract';
import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api } from '../api.ts';
import { workspaceQuery } from '../workspaces/queries.ts';

type WorkspaceName = Pick<Workspace, 'namespace' | 'name'>;

/** Who is in the workspace. Only those who may share it are told. */
export function aclQuery({ namespace, name }: WorkspaceName) {
  return queryOptions({
    queryKey: ['workspaces', namespace, name, 'acl'],
    queryFn: ({ signal }) => api.getWorkspaceAcl({ params: { namespace, name }, signal }),
  });
}

/** Changes one person's rights, or lets a new person in. */
export function useChangeAcl(workspace: WorkspaceName, onChanged?: (entry: ChangedAclEntry | undefined) => void) {
  const queryClient = useQueryClient();
  const { namespace, name } = workspace;
  return useMutation({
    mutationFn: (change: AclChange) => api.updateWorkspaceAcl({ params: { namespace, name }, body: [change] }),
    onSuccess: (entries, change) => {
      queryClient.setQueryData(aclQuery(workspace).queryKey, entries);
      void queryClient.invalidateQueries({ queryKey: workspaceQuery(workspace).queryKey, exact: true });
      onChanged?.(entries.find(({ email }) => email === change.email));
    },
  });
}
