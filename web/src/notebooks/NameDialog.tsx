import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import type { Workspace } from '@terrarium/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { serverErrors } from '../ui/form.ts';
import { pathOf, titleProblem } from './names.ts';

interface NameDialogProps<T> {
  workspace: Workspace;
  heading: string;
  intro?: string;
  label: string;
  action: string;
  /** The name that is offered. */
  title: string;
  /** The path that the notebook has: keeping it changes nothing. */
  current?: string;
  /** Paths of the notebooks there are. */
  existing: readonly string[];
  save: (path: string) => Promise<T>;
  /** What the server calls the name when it refuses it. */
  field: 'path' | 'to';
  onDone?: (saved: T) => void;
  onClose: () => void;
  children?: ReactNode;
}

/** Asks for the name of a notebook that is not there yet. */
export function NameDialog<T>(props: NameDialogProps<T>) {
  const { workspace, existing, field, onClose } = props;
  const queryClient = useQueryClient();
  const [title, setTitle] = useState(props.title);
  const [problem, setProblem] = useState<string>();
  const save = useMutation({
    mutationFn: () => props.save(pathOf(title)),
    onSuccess: async (saved) => {
      await queryClient.invalidateQueries({ queryKey: ['notebooks', workspace.namespace, workspace.name] });
      onClose();
      props.onDone?.(saved);
    },
  });
  const refused = serverErrors(save.error, [field]);
  return (
    <Modal opened onClose={onClose} title={props.heading}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (pathOf(title) === props.current) {
            onClose();
            return;
          }
          const found = titleProblem(title, existing);
          setProblem(found);
          if (found === undefined) save.mutate();
        }}
      >
        <Stack gap="sm">
          {props.intro !== undefined && <Text>{props.intro}</Text>}
          <TextInput
            label={props.label}
            data-autofocus
            autoComplete="off"
            value={title}
            error={problem ?? refused.fields[field]}
            onFocus={(event) => event.currentTarget.select()}
            onChange={(event) => setTitle(event.currentTarget.value)}
          />
          {props.children}
          <ErrorNote error={refused.rest} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={save.isPending}>
              {props.action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
