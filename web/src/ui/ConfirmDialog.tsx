import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { ErrorNote } from './ErrorNote.tsx';
import { useReturnFocus } from './return-focus.ts';

interface ConfirmDialogProps {
  title: string;
  /** What is lost and what is kept. */
  children: ReactNode;
  /** What the button does: "Delete notebook". */
  action: string;
  /** When given, it must be typed before the button acts. */
  typed?: string;
  isPending: boolean;
  error: unknown;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before something is destroyed. Mount it to open it. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { title, children, action, typed, isPending, error, onConfirm, onClose } = props;
  const [text, setText] = useState('');
  useReturnFocus();
  const isReady = typed === undefined || text === typed;
  return (
    <Modal opened onClose={onClose} title={title}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady) onConfirm();
        }}
      >
        <Stack gap="sm">
          <div>{children}</div>
          {typed !== undefined && (
            <TextInput
              label={
                <>
                  Type{' '}
                  <Text span ff="monospace" fz="inherit">
                    {typed}
                  </Text>{' '}
                  to confirm
                </>
              }
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
              autoComplete="off"
              data-autofocus
            />
          )}
          <ErrorNote error={error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose} data-autofocus={typed === undefined || undefined}>
              Cancel
            </Button>
            <Button type="submit" color="red" loading={isPending} disabled={!isReady}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
