import { Button, Skeleton, Text } from '@mantine/core';
import type { Environment, NotebookMirror, Workspace } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { links } from '../links.ts';
import { titleOf } from '../notebooks/names.ts';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { AnchorLink } from '../ui/links.tsx';
import { Section } from '../ui/Page.tsx';
import { StateWord } from '../ui/StateWord.tsx';
import { When } from '../ui/When.tsx';
import classes from './MirrorSection.module.css';
import { mirrorQuery } from './queries.ts';

const shownAtFirst = 3;

/** Whether ~/notebooks and the workspace have the same, and what happened between them that somebody should know. */
export function MirrorSection({ environment, workspace }: { environment: Environment; workspace: Workspace }) {
  const mirror = useQuery(mirrorQuery(environment));
  const { data } = mirror;
  return (
    <Section title="Notebooks on the disk" actions={data !== undefined && <MirrorState mirror={data} />}>
      <ErrorNote error={mirror.error} retry={() => void mirror.refetch()} />
      {data === undefined ? (
        mirror.error === null && <Skeleton height={24} aria-label="Loading" />
      ) : (
        <>
          <Text c="dimmed" fz="sm">
            {sentenceOf(data)}
          </Text>
          <Problems problems={data.problems} />
          <Notices notices={data.notices} workspace={workspace} />
        </>
      )}
    </Section>
  );
}

function MirrorState({ mirror: { state, problems } }: { mirror: NotebookMirror }) {
  if (state === 'off') return <StateWord kind="off">Paused</StateWord>;
  if (problems.length > 0) return <StateWord kind="error">{`${String(problems.length)} not in step`}</StateWord>;
  if (state === 'inStep') return <StateWord kind="running">In step</StateWord>;
  return <StateWord kind="working">{state === 'starting' ? 'Starting…' : 'Catching up…'}</StateWord>;
}

function sentenceOf({ state, count }: NotebookMirror): string {
  const notebooks = count === 1 ? '1 notebook' : `${String(count)} notebooks`;
  if (state === 'off') return `~/notebooks has ${notebooks}. It follows the workspace again when the environment runs.`;
  return `~/notebooks has ${notebooks} of this workspace. What changes on one side reaches the other within seconds.`;
}

function Problems({ problems }: { problems: NotebookMirror['problems'] }) {
  if (problems.length === 0) return null;
  return (
    <ul className={classes.list} aria-label="Not in step">
      {problems.map(({ path, message }) => (
        <li key={path ?? ''} data-kind="problem">
          {message}
        </li>
      ))}
    </ul>
  );
}

function Notices({ notices, workspace }: { notices: NotebookMirror['notices']; workspace: Workspace }) {
  const [isWhole, setIsWhole] = useState(false);
  if (notices.length === 0) return null;
  const shown = isWhole ? notices : notices.slice(0, shownAtFirst);
  return (
    <>
      <ul className={classes.list} aria-label="Notices">
        {shown.map(({ at, path, message }) => (
          <li key={`${at} ${path ?? ''}`}>
            <div className={classes.head}>
              {path === null ? (
                <span className={classes.name}>~/notebooks</span>
              ) : (
                <AnchorLink {...links.history(workspace, path)} className={classes.name} title={`History of ${path}`}>
                  {titleOf(path)}
                </AnchorLink>
              )}
              <span className={classes.time}>
                <When at={at} />
              </span>
            </div>
            {message}
          </li>
        ))}
      </ul>
      {shown.length < notices.length && (
        <Button variant="subtle" size="compact-sm" mt={4} ml={-8} onClick={() => setIsWhole(true)}>
          Show all {notices.length} notices
        </Button>
      )}
    </>
  );
}
