import { Button, Modal, Skeleton } from '@mantine/core';
import type { DeletedNotebook, Workspace } from '@terrarium/contract';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api } from '../api.ts';
import { titleOf } from '../notebooks/names.ts';
import { EmptyState } from '../ui/EmptyState.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { formatBytes, formatMoment } from '../ui/formats.ts';
import { disabledBecause, Hint } from '../ui/Hint.tsx';
import { AnchorLink } from '../ui/links.tsx';
import { When } from '../ui/When.tsx';
import { links } from '../links.ts';
import { writeProblem } from '../workspaces/permissions.ts';
import classes from './DeletedNotebooksDialog.module.css';
import { deletedNotebooksQuery } from './queries.ts';

/** Notebooks that were deleted in the last 30 days, and the way back for each. */
export function DeletedNotebooksDialog({ workspace, onClose }: { workspace: Workspace; onClose: () => void }) {
  const { namespace, name } = workspace;
  const queryClient = useQueryClient();
  const deleted = useQuery(deletedNotebooksQuery(workspace));
  const restore = useMutation({
    mutationFn: ({ id }: DeletedNotebook) => api.restoreDeletedNotebook({ params: { namespace, name, id } }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ['notebooks', namespace, name] }),
  });
  const problem = writeProblem(workspace);
  return (
    <Modal opened onClose={onClose} title="Deleted notebooks" size="lg">
      <div role="status">
        {restore.data !== undefined && (
          <p className={classes.restored}>
            Restored <AnchorLink {...links.open(workspace, restore.data.path)}>{titleOf(restore.data.path)}</AnchorLink>
            , with its history.
          </p>
        )}
      </div>
      <ErrorNote error={restore.error ?? (deleted.data === undefined ? deleted.error : null)} />
      {deleted.data === undefined ? (
        deleted.error === null && <Skeleton height={80} aria-label="Loading" />
      ) : deleted.data.length === 0 ? (
        <EmptyState title="No deleted notebooks">
          A notebook that is deleted can be restored here for 30 days.
        </EmptyState>
      ) : (
        <ul className={classes.list}>
          {deleted.data.map((notebook) => (
            <li key={notebook.id}>
              <div className={classes.names}>
                <span className={classes.title}>{titleOf(notebook.path)}</span>
                <span className={classes.detail}>
                  Deleted <When at={notebook.deletedAt} /> · {formatBytes(notebook.size)} · kept until{' '}
                  {formatMoment(notebook.keptUntil).replace(/ at .*$/, '')}
                </span>
              </div>
              <Hint reason={problem}>
                <Button
                  variant="default"
                  size="xs"
                  aria-label={`Restore ${titleOf(notebook.path)}`}
                  loading={restore.isPending && restore.variables.id === notebook.id}
                  {...disabledBecause(problem, () => restore.mutate(notebook))}
                >
                  Restore
                </Button>
              </Hint>
            </li>
          ))}
        </ul>
      )}
    </Modal>
  );
}
