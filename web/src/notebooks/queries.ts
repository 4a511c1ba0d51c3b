import { queryOptions } from '@tanstack/react-query';
import { api } from '../api.ts';

interface WorkspaceName {
  namespace: string;
  name: string;
}

export function notebooksQuery({ namespace, name }: WorkspaceName) {
  return queryOptions({
    queryKey: ['notebooks', namespace, name],
    queryFn: ({ signal }) => api.listNotebooks({ params: { namespace, name }, signal }),
  });
}

/** The notebook as it is in the bucket, as text: reading it as a notebook is the preview's work. */
export function notebookContentQuery({ namespace, name }: WorkspaceName, path: string) {
  return queryOptions({
    queryKey: ['notebooks', namespace, name, path, 'content'],
    queryFn: async ({ signal }) => {
      const response = await api.getNotebookContent({ params: { namespace, name, path }, signal });
      return response.text();
    },
  });
}

export function playgroundsQuery({ namespace, name }: WorkspaceName) {
  return queryOptions({
    queryKey: ['playgrounds', namespace, name],
    queryFn: ({ signal }) => api.listPlaygrounds({ params: { namespace, name }, signal }),
  });
}
