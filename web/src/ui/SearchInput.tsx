import { CloseButton, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useState } from 'react';
import type { ListState } from './list-search.ts';

/** Filters the list on this page as one types. `label` is its accessible name: "Search notebooks". */
export function SearchInput({ list, label }: { list: ListState; label: string }) {
  // Kept here as well: the address follows a moment later, and a controlled input must not lose keystrokes to it.
  const [text, setText] = useState(list.query);
  const [seen, setSeen] = useState(list.query);
  if (seen !== list.query) {
    setSeen(list.query);
    if (list.query !== text.trim()) setText(list.query);
  }
  function change(next: string): void {
    setText(next);
    list.setQuery(next.trim());
  }
  return (
    <TextInput
      type="search"
      aria-label={label}
      placeholder={label}
      value={text}
      onChange={(event) => change(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Escape') change('');
      }}
      leftSection={<IconSearch size={16} aria-hidden />}
      rightSection={text === '' ? null : <CloseButton size={24} aria-label="Clear search" onClick={() => change('')} />}
      w={{ base: '100%', xs: 280 }}
    />
  );
}
