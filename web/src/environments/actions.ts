import type { Environment, EnvironmentCreate } from '@terrarium/contract';
import { useMutation, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { api } from '../api.ts';

/** Puts what the server answered where the lists are, so that the button's effect shows before the event arrives. */
async function show(queryClient: QueryClient, environment: Environment): Promise<void> {
  const { namespace, name } = environment.workspace;
  queryClient.setQueryData<Environment[]>(['environments', namespace, name], (known = []) => [
    ...known.filter((other) => other.id !== environment.id),
    environment,
  ]);
  await queryClient.invalidateQueries({ queryKey: ['environments'] });
  void queryClient.invalidateQueries({ queryKey: ['disks'] });
}

const paramsOf = (environment: Environment) => ({
  namespace: environment.workspace.namespace,
  name: environment.workspace.name,
  environment: environment.id,
});

export function useCreateEnvironment({ namespace, name }: { namespace: string; name: string }) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (body: EnvironmentCreate) => api.createEnvironment({ params: { namespace, name }, body }),
    onSuccess: (environment) => show(queryClient, environment),
  });
}

export function useStartEnvironment() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (environment: Environment) => api.startEnvironment({ params: paramsOf(environment) }),
    onSuccess: (environment) => show(queryClient, environment),
  });
}

export function useStopEnvironment() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (environment: Environment) => api.stopEnvironment({ params: paramsOf(environment) }),
    onSuccess: (environment) => show(queryClient, environment),
  });
}

export function useDeleteEnvironment() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: ({ environment, deleteDisk }: { environment: Environment; deleteDisk: boolean }) =>
      api.deleteEnvironment({ params: paramsOf(environment), query: { deleteDisk: deleteDisk ? 'true' : 'false' } }),
    onSuccess: (environment) => show(queryClient, environment),
  });
}
