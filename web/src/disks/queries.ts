import { queryOptions } from '@tanstack/react-query';
import { api } from '../api.ts';

export const disksQuery = queryOptions({
  queryKey: ['disks'],
  queryFn: ({ signal }) => api.listDisks({ signal }),
});
