import { Button, Group, Skeleton, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { IconCopy, IconHistory } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { links } from '../links.ts';
import { EmptyState } from '../ui/EmptyState.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { disabledBecause, Hint } from '../ui/Hint.tsx';
import { ButtonLink } from '../ui/links.tsx';
import { writeProblem } from '../workspaces/permissions.ts';
import { useWorkspace } from '../workspaces/queries.ts';
import { titleOf } from './names.ts';
import { NotebookDialogs } from './NotebookDialogs.tsx';
import { Cell } from './preview/Cell.tsx';
import { parseNotebook, type PreviewNotebook } from './preview/notebook.ts';
import classes from './PreviewPage.module.css';
import { notebookContentQuery, notebooksQuery } from './queries.ts';

/** A notebook as it is in the bucket, read without any compute. */
export function PreviewPage() {
  const workspace = useWorkspace();
  const { path } = useParams({ from: '/app/workspaces/$namespace/$name/notebooks/$path/preview' });
  const navigate = useNavigate();
  const content = useQuery(notebookContentQuery(workspace, path));
  const notebooks = useQuery(notebooksQuery(workspace));
  const [isCopying, setIsCopying] = useState(false);
  const problem = writeProblem(workspace);
  const size = notebooks.data?.find((notebook) => notebook.path === path)?.size ?? 0;
  return (
    <article className={classes.page}>
      <title>{`${titleOf(path)} (preview) · ${workspace.name} · Terrarium`}</title>
      <div className={classes.banner}>
        <div className={classes.names}>
          <Title order={2}>{titleOf(path)}</Title>
          <span className={classes.mode}>Preview (read-only)</span>
        </div>
        <Group gap="xs">
          <ButtonLink
            {...links.history(workspace, path)}
            variant="default"
            leftSection={<IconHistory size={16} aria-hidden />}
          >
            History
          </ButtonLink>
          <Hint reason={problem}>
            <Button
              variant="default"
              leftSection={<IconCopy size={16} aria-hidden />}
              {...disabledBecause(problem, () => setIsCopying(true))}
            >
              Copy
            </Button>
          </Hint>
          <ButtonLink {...links.open(workspace, path)}>Open</ButtonLink>
        </Group>
      </div>
      {content.data === undefined ? (
        content.error === null ? (
          <Skeleton height={320} aria-label="Loading" />
        ) : (
          <ErrorNote error={content.error} retry={() => void content.refetch()} />
        )
      ) : (
        <Notebook text={content.data} />
      )}
      {isCopying && (
        <NotebookDialogs
          workspace={workspace}
          dialog={{ kind: 'copy', notebook: { path, size } }}
          existing={notebooks.data?.map((notebook) => notebook.path) ?? []}
          onClose={() => setIsCopying(false)}
          onDone={(copy) => void navigate(links.preview(workspace, copy))}
        />
      )}
    </article>
  );
}

function Notebook({ text }: { text: string }) {
  const parsed = useMemo(() => parse(text), [text]);
  if ('problem' in parsed) return <EmptyState title="No preview">{parsed.problem}</EmptyState>;
  if (parsed.notebook.cells.length === 0) return <EmptyState title="This notebook is empty" />;
  return (
    <div>
      {parsed.notebook.cells.map((cell, index) => (
        <section key={index} className={classes.cell} aria-label={`Cell ${String(index + 1)}`}>
          <Cell cell={cell} language={parsed.notebook.language} />
        </section>
      ))}
    </div>
  );
}

function parse(text: string): { notebook: PreviewNotebook } | { problem: string } {
  try {
    return { notebook: parseNotebook(text) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : 'This notebook cannot be read.' };
  }
}
