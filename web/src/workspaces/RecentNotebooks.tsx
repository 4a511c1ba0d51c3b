import { Skeleton } from '@mantine/core';
import type { Workspace } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { links } from '../links.ts';
import { notebooksQuery } from '../notebooks/queries.ts';
import { EmptyState } from '../ui/EmptyState.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { AnchorLink, ButtonLink } from '../ui/links.tsx';
import { Section } from '../ui/Page.tsx';
import { When } from '../ui/When.tsx';
import classes from './DashboardPage.module.css';

const shown = 5;

export function RecentNotebooks({ workspace }: { workspace: Workspace }) {
  const notebooks = useQuery(notebooksQuery(workspace));
  const recent = notebooks.data
    ?.toSorted((left, right) => right.updatedAt.localeCompare(left.updatedAt))
    .slice(0, shown);
  return (
    <Section title="Recent notebooks">
      <ErrorNote error={notebooks.error} retry={() => void notebooks.refetch()} />
      {recent === undefined && notebooks.error === null && <Skeleton height={96} />}
      {recent?.length === 0 && (
        <EmptyState
          title="No notebooks yet"
          action={
            <ButtonLink {...links.notebooks(workspace)} variant="default">
              Go to Notebooks
            </ButtonLink>
          }
        >
          Create one, or upload the ones you have.
        </EmptyState>
      )}
      {recent !== undefined && recent.length > 0 && (
        <ul className={classes.recent}>
          {recent.map((notebook) => (
            <li key={notebook.path}>
              <AnchorLink {...links.preview(workspace, notebook.path)} className={classes.recentName}>
                {notebook.path.replace(/\.ipynb$/, '')}
              </AnchorLink>
              <span className={classes.recentTime}>
                <When at={notebook.updatedAt} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
