import { queryOptions } from '@tanstack/react-query';
import { api } from '../api.ts';

export const billingProjectsQuery = queryOptions({
  queryKey: ['billing-projects'],
  queryFn: ({ signal }) => api.listBillingProjects({ signal }),
});

export function billingProjectQuery(name: string) {
  return queryOptions({
    queryKey: ['billing-projects', name],
    queryFn: ({ signal }) => api.getBillingProject({ params: { name }, signal }),
  });
}

export type SpendGrouping = 'workspace' | 'user' | 'day';

/** Spend over the last `days` days, today among them, in UTC like the ledger's days. */
export function spendQuery(name: string, by: SpendGrouping, days: number) {
  const today = new Date().toISOString().slice(0, 10);
  return queryOptions({
    queryKey: ['spend', name, by, days, today],
    queryFn: ({ signal }) => {
      const from = new Date(Date.parse(`${today}T00:00:00Z`) - (days - 1) * 86_400_000);
      return api.getSpend({
        params: { name },
        query: { by, from: from.toISOString() },
        signal,
      });
    },
    // Usage is metered all the time, and no event tells of each cent.
    staleTime: 0,
  });
}
