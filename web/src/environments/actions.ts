import type { Environment, EnvironmentCreate, EnvironmentUpdate } from '@terrarium/contract';
import { useMutation, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { api } from '../api.ts';

/** Puts what the server answered where the lists are, so that the button's effect shows before the event arrives. */
async function show(queryClient: QueryClient, environments: readonly Environment[]): Promise<void> {
  for (const environment of environments) {
    const { namespace, name } = environment.workspace;
    // Only where it is known already: an owner of the project also acts on environments of others.
    queryClient.setQueryData<Environment[]>(['environments', namespace, name], (known) =>
      known?.map((other) => (other.id === environment.id ? environment : other)),
    );
  }
  await queryClient.invalidateQueries({ queryKey: ['environments'] });
  void queryClient.invalidateQueries({ queryKey: ['disks'] });
}

export const paramsOf = (environment: Environment) => ({
  namespace: environment.workspace.namespace,
  name: environment.workspace.name,
  environment: environment.id,
});

function useAction<Input, Answer extends Environment | Environment[]>(act: (input: Input) => Promise<Answer>) {
  const queryClient = useQueryClient();
  return useMutation({ mutationFn: act, onSuccess: (answer) => show(queryClient, [answer].flat()) });
}

export function useCreateEnvironment({ namespace, name }: { namespace: string; name: string }) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (body: EnvironmentCreate) => api.createEnvironment({ params: { namespace, name }, body }),
    onSuccess: async (environment) => {
      queryClient.setQueryData<Environment[]>(['environments', namespace, name], (known = []) => [
        ...known,
        environment,
      ]);
      await show(queryClient, [environment]);
    },
  });
}

export const useUpdateEnvironment = () =>
  useAction(({ environment, body }: { environment: Environment; body: EnvironmentUpdate }) =>
    api.updateEnvironment({ params: paramsOf(environment), body }),
  );

export type EnvironmentCommand = 'start' | 'wake' | 'sleep' | 'stop' | 'stopWhenIdle' | 'choose' | 'keepRunning';

interface Command {
  readonly environment: Environment;
  readonly command: EnvironmentCommand;
  /** With keepRunning: it neither sleeps nor pauses by itself before; null takes that and a pause when idle back. */
  readonly until?: string | null;
}

/** Everything that one click does to an environment. One mutation, so that the last failure alone is told. */
export const useEnvironmentCommand = () =>
  useAction(({ environment, command, until = null }: Command) => {
    const params = paramsOf(environment);
    switch (command) {
      case 'start':
        return api.startEnvironment({ params });
      case 'wake':
        return api.wakeEnvironment({ params });
      case 'sleep':
        return api.sleepEnvironment({ params });
      case 'stop':
        return api.stopEnvironment({ params });
      case 'stopWhenIdle':
        return api.stopEnvironment({ params, query: { when: 'idle' } });
      case 'choose':
        return api.chooseEnvironment({ params });
      case 'keepRunning':
        return api.keepEnvironmentRunning({ params, body: { until } });
    }
  });

export const useStopAllEnvironments = () => useAction(() => api.stopAllEnvironments());

export const useDeleteEnvironment = () =>
  useAction(({ environment, deleteDisk }: { environment: Environment; deleteDisk: boolean }) =>
    api.deleteEnvironment({ params: paramsOf(environment), query: { deleteDisk: deleteDisk ? 'true' : 'false' } }),
  );
