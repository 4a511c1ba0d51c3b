import { queryOptions } from '@tanstack/react-query';
import { api } from '../api.ts';

/** Kernels of your running environments. Read again with every event of an environment: while one runs, every 5 s. */
export function kernelsQuery({ namespace, name }: { namespace: string; name: string }) {
  return queryOptions({
    queryKey: ['kernels', namespace, name],
    queryFn: ({ signal }) => api.listKernels({ params: { namespace, name }, signal }),
  });
}
