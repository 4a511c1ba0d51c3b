import type { Environment } from '@terrarium/contract';
import { queryOptions } from '@tanstack/react-query';
import { api } from '../api.ts';

const usageEveryMs = 5000;

/** Events tell of every change of status; how full memory and disk are is read again while something runs. */
function usageInterval(environments: Environment[] | undefined): number | false {
  return environments?.some((environment) => environment.status === 'Running') === true ? usageEveryMs : false;
}

export const allEnvironmentsQuery = queryOptions({
  queryKey: ['environments'],
  queryFn: ({ signal }) => api.listAllEnvironments({ signal }),
  refetchInterval: (query) => usageInterval(query.state.data),
});

export function environmentsQuery({ namespace, name }: { namespace: string; name: string }) {
  return queryOptions({
    queryKey: ['environments', namespace, name],
    queryFn: ({ signal }) => api.listEnvironments({ params: { namespace, name }, signal }),
    refetchInterval: (query) => usageInterval(query.state.data),
  });
}

/** The one that a workspace's pages show: the newest that still exists. */
export function currentEnvironment(environments: readonly Environment[] | undefined): Environment | undefined {
  return environments
    ?.filter((environment) => environment.status !== 'Deleted')
    .toSorted((left, right) => right.createdAt.localeCompare(left.createdAt))[0];
}

export const imagesQuery = queryOptions({
  queryKey: ['images'],
  queryFn: ({ signal }) => api.listImages({ signal }),
  staleTime: 300_000,
});

export const pricesQuery = queryOptions({
  queryKey: ['prices'],
  queryFn: ({ signal }) => api.getPrices({ signal }),
  staleTime: 300_000,
});
