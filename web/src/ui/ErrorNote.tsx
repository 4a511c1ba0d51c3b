import { Alert, Button } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { messageOf } from '../api.ts';

/** A failure, told where it happened. Nothing when there is none. */
export function ErrorNote({ error, retry, mt }: { error: unknown; retry?: () => void; mt?: string }) {
  if (error === null || error === undefined) return null;
  return (
    <Alert color="red" icon={<IconAlertTriangle size={16} />} role="alert" mt={mt} p="sm">
      {messageOf(error)}
      {retry !== undefined && (
        <Button variant="default" size="xs" mt="xs" display="block" onClick={retry}>
          Try again
        </Button>
      )}
    </Alert>
  );
}
