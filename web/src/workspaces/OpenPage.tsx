import { Group, Loader, Text } from '@mantine/core';
import { useParams } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { links } from '../links.ts';
import { titleOf } from '../notebooks/names.ts';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { ButtonLink } from '../ui/links.tsx';
import { notebookLabPath, useDoor } from './door.ts';
import classes from './DashboardPage.module.css';
import { useWorkspace } from './queries.ts';

/** An address of the app that leads into JupyterLab, so that "open" is a link like any other. */
export function OpenNotebookPage() {
  const { path } = useParams({ from: '/app/workspaces/$namespace/$name/notebooks/$path/open' });
  return <Opening what={titleOf(path)} labPath={notebookLabPath(path)} />;
}

export function OpenLabPage() {
  return <Opening what="JupyterLab" labPath="lab" />;
}

function Opening({ what, labPath }: { what: string; labPath: string }) {
  const workspace = useWorkspace();
  const door = useDoor(workspace);
  const { mutate } = door;
  // Each ask makes a one-use link: StrictMode's second effect must not make another.
  const asked = useRef<string>(undefined);
  useEffect(() => {
    if (asked.current === labPath) return;
    asked.current = labPath;
    mutate(labPath);
  }, [labPath, mutate]);
  return (
    <div className={classes.opening}>
      <title>{`${what} · ${workspace.name} · Terrarium`}</title>
      {door.error === null ? (
        <Group gap="xs" role="status">
          <Loader size={16} />
          <Text>Opening {what}…</Text>
        </Group>
      ) : (
        <>
          <ErrorNote error={door.error} retry={() => mutate(labPath)} />
          <ButtonLink {...links.notebooks(workspace)} variant="default" mt="sm">
            Back to notebooks
          </ButtonLink>
        </>
      )}
    </div>
  );
}
