import { useMutation } from '@tanstack/react-query';
import { api } from '../api.ts';

/** A path inside JupyterLab for a notebook of the bucket. */
export function notebookLabPath(path: string): string {
  return `lab/tree/notebooks/${path.split('/').map(encodeURIComponent).join('/')}`;
}

/** Opens the workspace's JupyterLab in this tab, signed in by a one-use link. */
export function useDoor(workspace: { namespace: string; name: string }) {
  const { namespace, name } = workspace;
  return useMutation({
    mutationFn: (path: string) => api.openDoor({ params: { namespace, name }, body: { path } }),
    onSuccess: ({ url }) => {
      // In place of the page that says "Opening": back leads to where one was.
      location.replace(url);
    },
  });
}
