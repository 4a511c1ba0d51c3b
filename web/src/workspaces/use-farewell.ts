import type { Workspace } from '@terrarium/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { links } from '../links.ts';
import { workspaceQuery } from './queries.ts';

/** What takes the workspace away from the person who does it, who is led to the others. */
export function useFarewell(workspace: Workspace, act: () => Promise<unknown>) {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSuccess: async () => {
      await navigate(links.workspaces());
      queryClient.removeQueries({ queryKey: workspaceQuery(workspace).queryKey });
      await queryClient.invalidateQueries({ queryKey: ['workspaces'], exact: true });
    },
  });
}
