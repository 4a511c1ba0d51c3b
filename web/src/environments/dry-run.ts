import { useDebouncedValue } from '@mantine/hooks';
import type { Environment, EnvironmentUpdate, UpdatedEnvironment } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api.ts';
import { paramsOf } from './actions.ts';

const pauseMs = 300;

/** Asks the server what changes would do, a moment after the last of them. */
export function useDryRun(
  environment: Environment,
  changes: EnvironmentUpdate,
): { preview: UpdatedEnvironment | undefined; isPending: boolean; error: Error | null } {
  const wanted = JSON.stringify(changes);
  const [asked] = useDebouncedValue(wanted, pauseMs);
  const isEmpty = asked === '{}';
  const query = useQuery({
    // What a change does depends on whether the environment runs.
    queryKey: ['environment-dry-run', environment.id, environment.status, asked],
    queryFn: ({ signal }) =>
      api.updateEnvironment({
        params: paramsOf(environment),
        query: { dryRun: 'true' },
        // Its own text, made just above.
        body: JSON.parse(asked) as EnvironmentUpdate,
        signal,
      }),
    enabled: !isEmpty,
    staleTime: 10_000,
    retry: false,
  });
  const isCurrent = asked === wanted;
  return {
    preview: isCurrent && !isEmpty ? query.data : undefined,
    isPending: wanted !== '{}' && (!isCurrent || query.isLoading),
    error: isCurrent && !isEmpty ? query.error : null,
  };
}
