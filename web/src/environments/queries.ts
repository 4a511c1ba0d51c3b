import type { Environment } from '@terrarium/contract';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api } from '../api.ts';

// Nothing here polls: the server tells of every change, and of use every few seconds while something runs.

export const allEnvironmentsQuery = queryOptions({
  queryKey: ['environments'],
  queryFn: ({ signal }) => api.listAllEnvironments({ signal }),
});

export function environmentsQuery({ namespace, name }: { namespace: string; name: string }) {
  return queryOptions({
    queryKey: ['environments', namespace, name],
    queryFn: ({ signal }) => api.listEnvironments({ params: { namespace, name }, signal }),
  });
}

/** The one that a workspace's pages show: the newest that still exists. */
export function currentEnvironment(environments: readonly Environment[] | undefined): Environment | undefined {
  return environments
    ?.filter((environment) => environment.status !== 'Deleted')
    .toSorted((left, right) => right.createdAt.localeCompare(left.createdAt))[0];
}

/** How ~/notebooks on an environment's disk stands to its workspace. It begins anew with each start and pause. */
export function mirrorQuery({ id, status, workspace: { namespace, name } }: Environment) {
  return queryOptions({
    queryKey: ['mirror', id, status],
    queryFn: ({ signal }) => api.getNotebookMirror({ params: { namespace, name, environment: id }, signal }),
    placeholderData: keepPreviousData,
  });
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
