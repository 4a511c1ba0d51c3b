import type { Account } from '@terrarium/contract';
import { queryOptions, useSuspenseQuery } from '@tanstack/react-query';
import { api, queryClient } from '../api.ts';

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: ({ signal }) => api.getSession({ signal }),
  staleTime: Infinity,
});

/** The account that is signed in. Every page inside the shell has one: its route asks first. */
export function useAccount(): Account {
  return useSuspenseQuery(sessionQuery).data;
}

/** Signs in, and forgets whatever an earlier account had loaded. */
export async function signIn(proof: { email: string; password: string } | { ticket: string }): Promise<void> {
  const account = await api.createSession({ body: proof });
  queryClient.clear();
  queryClient.setQueryData(sessionQuery.queryKey, account);
}

/** Signs out here and in every workspace, then leaves the page, so that nothing of the account stays in memory. */
export async function signOut(): Promise<void> {
  await api.deleteSession();
  location.assign('/signin');
}
