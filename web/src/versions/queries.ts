import { queryOptions } from '@tanstack/react-query';
import { api } from '../api.ts';

export interface NotebookPlace {
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
}

export function versionsQuery({ namespace, name, path }: NotebookPlace) {
  return queryOptions({
    queryKey: ['notebooks', namespace, name, path, 'versions'],
    queryFn: ({ signal }) => api.listVersions({ params: { namespace, name, path }, signal }),
  });
}

export function versionDiffQuery({ namespace, name, path }: NotebookPlace, version: string, against: string) {
  // What two versions differ in stays as it is; the notebook as it is now does not.
  const scope = against === 'current' ? 'notebooks' : 'versions';
  return queryOptions({
    queryKey: [scope, namespace, name, path, 'diff', version, against],
    queryFn: ({ signal }) =>
      api.diffVersion({ params: { namespace, name, path, version }, query: { against }, signal }),
    staleTime: against === 'current' ? 0 : Infinity,
  });
}

export function versionContentQuery({ namespace, name, path }: NotebookPlace, version: string) {
  return queryOptions({
    queryKey: ['versions', namespace, name, path, 'content', version],
    queryFn: async ({ signal }) =>
      (await api.getVersion({ params: { namespace, name, path, version }, signal })).text(),
    staleTime: Infinity,
  });
}

export function deletedNotebooksQuery({ namespace, name }: Omit<NotebookPlace, 'path'>) {
  return queryOptions({
    queryKey: ['notebooks', namespace, name, 'deleted'],
    queryFn: ({ signal }) => api.listDeletedNotebooks({ params: { namespace, name }, signal }),
  });
}
