import type { Workspace } from '@terrarium/contract';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { api } from '../api.ts';
import { chosenEnvironment, environmentsQuery } from '../environments/queries.ts';
import { links } from '../links.ts';
import { offersFor, type NotebookAction, type Offer } from './modes.ts';

/** What you may do with the notebooks of a workspace, as things stand now. */
export function useOffers(workspace: Workspace): Record<NotebookAction, Offer> {
  const environments = useQuery(environmentsQuery(workspace));
  const { role, canCompute, owner } = workspace;
  return offersFor({ role, canCompute, owner, environment: chosenEnvironment(environments.data)?.status ?? null });
}

/** Makes a playground of a notebook and opens it. */
export function usePlayground(workspace: Workspace) {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const { namespace, name } = workspace;
  return useMutation({
    mutationFn: (path: string) => api.createPlayground({ params: { namespace, name, path } }),
    onSuccess: async ({ path }) => {
      void queryClient.invalidateQueries({ queryKey: ['playgrounds', namespace, name] });
      await navigate(links.open(workspace, path));
    },
  });
}
