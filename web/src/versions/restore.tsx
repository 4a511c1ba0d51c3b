import { Alert, Button, CloseButton } from '@mantine/core';
import type { NotebookVersion } from '@terrarium/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { formatMoment } from '../ui/formats.ts';
import type { NotebookPlace } from './queries.ts';
import classes from './restore.module.css';

interface Wish {
  readonly version: string;
  readonly cell: string | undefined;
  readonly done: string;
  readonly isUndo: boolean;
}

interface Outcome {
  readonly text: string;
  /** What puts it back; absent where there is nothing to put back. */
  readonly undo?: Wish;
}

/** Puts the notebook or one of its cells back to a version, and knows how to undo it right after. */
export function useRestore(place: NotebookPlace) {
  const { namespace, name, path } = place;
  const queryClient = useQueryClient();
  const [outcome, setOutcome] = useState<Outcome>();
  const mutation = useMutation({
    mutationFn: ({ version, cell }: Wish) =>
      api.restoreVersion({
        params: { namespace, name, path, version },
        body: cell === undefined ? {} : { cells: [cell] },
      }),
    onMutate: () => setOutcome(undefined),
    onSuccess: async ({ previous, isChanged }, wish) => {
      const what = wish.cell === undefined ? 'notebook' : 'cell';
      const undo = { version: previous, cell: wish.cell, done: `Undone. The ${what} is as it was.`, isUndo: true };
      setOutcome(
        !isChanged
          ? { text: `The ${what} is like that already. Nothing was changed.` }
          : { text: wish.done, ...(wish.isUndo ? {} : { undo }) },
      );
      await queryClient.invalidateQueries({ queryKey: ['notebooks', namespace, name] });
    },
  });
  return {
    isPending: mutation.isPending,
    /** The cell that is being restored; undefined for the whole notebook. */
    cell: mutation.variables?.cell,
    error: mutation.error,
    outcome,
    start(selected: NotebookVersion, version: string, cell?: string) {
      const of = cell === undefined ? `Restored the version of ${formatMoment(selected.at)}.` : 'Restored the cell.';
      mutation.mutate({ version, cell, done: of, isUndo: false });
    },
    undo(wish: Wish) {
      mutation.mutate(wish);
    },
    dismiss() {
      setOutcome(undefined);
      mutation.reset();
    },
  };
}

/** What the last restore did, with its undo. */
export function RestoreNote({ restore }: { restore: ReturnType<typeof useRestore> }) {
  const { outcome, error } = restore;
  return (
    <div role="status">
      {outcome !== undefined && (
        <Alert mb="md" p="xs" pl="sm">
          <div className={classes.note}>
            <span>{outcome.text}</span>
            {outcome.undo !== undefined && (
              <UndoButton onClick={() => outcome.undo !== undefined && restore.undo(outcome.undo)} />
            )}
            <CloseButton className={classes.close} size="sm" aria-label="Dismiss" onClick={restore.dismiss} />
          </div>
        </Alert>
      )}
      {error !== null && <ErrorNote error={error} />}
    </div>
  );
}

function UndoButton({ onClick }: { onClick: () => void }) {
  return (
    <Button variant="default" size="xs" onClick={onClick}>
      Undo
    </Button>
  );
}
