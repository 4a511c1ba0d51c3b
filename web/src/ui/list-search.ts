import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import * as z from 'zod';

/** What a list keeps in the address, so that a link to it shows the same rows in the same order. */
export const ListSearch = z.object({
  q: z.string().optional().catch(undefined),
  sort: z.string().optional().catch(undefined),
  desc: z.boolean().optional().catch(undefined),
});
export type ListSearch = z.infer<typeof ListSearch>;

export interface ListState {
  readonly query: string;
  readonly sort: string | undefined;
  readonly isDescending: boolean;
  setQuery(query: string): void;
  setSort(sort: string, isDescending: boolean): void;
}

/** Search and sort of the list on this page, read from and written to the address without a step in the history. */
export function useListState(): ListState {
  const search: ListSearch = useSearch({ strict: false });
  const navigate = useNavigate();
  function change(next: ListSearch): void {
    void navigate({
      to: '.',
      replace: true,
      resetScroll: false,
      search: (previous: object) => ({ ...previous, ...next }),
    });
  }
  return {
    query: search.q ?? '',
    sort: search.sort,
    isDescending: search.desc ?? false,
    setQuery: (query) => change({ q: query === '' ? undefined : query }),
    setSort: (sort, isDescending) => change({ sort, desc: isDescending ? true : undefined }),
  };
}

/** The same for a second list on a page, whose order the address does not keep. */
export function useOwnListState(): ListState {
  const [sort, setSort] = useState<{ sort: string; isDescending: boolean }>();
  const [query, setQuery] = useState('');
  return {
    query,
    sort: sort?.sort,
    isDescending: sort?.isDescending ?? false,
    setQuery,
    setSort: (next, isDescending) => setSort({ sort: next, isDescending }),
  };
}

/** Whether every word of `query` is in one of the texts, in any case. */
export function matches(query: string, ...texts: (string | null)[]): boolean {
  const haystack = texts.join('\n').toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => haystack.includes(word));
}
