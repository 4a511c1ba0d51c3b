import { Group } from '@mantine/core';
import type { ReactNode } from 'react';

/** Above a list: search first, then what acts on the list. */
export function Toolbar({ children, actions }: { children: ReactNode; actions?: ReactNode }) {
  return (
    <Group justify="space-between" gap="xs" mb="sm">
      {children}
      {actions !== undefined && <Group gap="xs">{actions}</Group>}
    </Group>
  );
}
