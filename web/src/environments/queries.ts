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

/** Everybody's environments that a billing project pays for. Only its owners may read them. */
export function projectEnvironmentsQuery(project: string) {
  return queryOptions({
    queryKey: ['environments', 'of-project', project],
    queryFn: ({ signal }) => api.listProjectEnvironments({ params: { name: project }, signal }),
  });
}

/** Those that are not deleted, in the order they were made. */
export function existingEnvironments(environments: readonly Environment[]): Environment[] {
  return environments
    .filter(({ status }) => status !== 'Deleted')
    .toSorted((left, right) => left.createdAt.localeCompare(right.createdAt));
}

/** The one that a workspace's notebooks run in: the chosen one, else the newest that still exists. */
export function chosenEnvironment(environments: readonly Environment[] | undefined): Environment | undefined {
  const existing = existingEnvironments(environments ?? []);
  return existing.find(({ isChosen }) => isChosen) ?? existing.at(-1);
}

/** How ~/notebooks on an environment's disk stands to its workspace. It begins anew with each start and pause. */
export function mirrorQuery({ id, status, workspace: { namespace, name } }: Environment) {
  return queryOptions({
    queryKey: ['mirror', id, status],
    queryFn: ({ signal }) => api.getNotebookMirror({ params: { namespace, name, environment: id }, signal }),
    placeholderData: keepPreviousData,
  });
}

/** What takes the most room on its disk. Measured when asked: it is read again only when somebody wants that. */
export function diskFoldersQuery({ id, workspace: { namespace, name } }: Environment) {
  return queryOptions({
    queryKey: ['disk-folders', id],
    queryFn: ({ signal }) => api.getDiskFolders({ params: { namespace, name, environment: id }, signal }),
    staleTime: 60_000,
  });
}

/** What an environment can have here. */
export const computeOfferQuery = queryOptions({
  queryKey: ['compute-offer'],
  queryFn: ({ signal }) => api.getComputeOffer({ signal }),
  staleTime: 300_000,
});

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
