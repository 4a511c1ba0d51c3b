import { SegmentedControl, Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { links } from '../links.ts';
import { titleOf } from '../notebooks/names.ts';
import { NotebookBanner } from '../notebooks/NotebookBanner.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { ButtonLink } from '../ui/links.tsx';
import { writeProblem } from '../workspaces/permissions.ts';
import { useWorkspace } from '../workspaces/queries.ts';
import { DiffView } from './DiffView.tsx';
import classes from './HistoryPage.module.css';
import { listVersions, versionBefore } from './list-versions.ts';
import { NameVersionDialog } from './NameVersionDialog.tsx';
import { versionDiffQuery, versionsQuery } from './queries.ts';
import { RestoreNote, useRestore } from './restore.tsx';
import { VersionHeader } from './VersionHeader.tsx';
import { VersionList } from './VersionList.tsx';

const route = '/app/workspaces/$namespace/$name/notebooks/$path/history';

/** Who changed a notebook when and how, and the ways back. */
export function HistoryPage() {
  const { path } = useParams({ from: route });
  // What was restored in one notebook says nothing of another.
  return <History key={path} path={path} />;
}

function History({ path }: { path: string }) {
  const workspace = useWorkspace();
  const search = useSearch({ from: route });
  const navigate = useNavigate();
  const { namespace, name } = workspace;
  const place = { namespace, name, path };
  const versions = useQuery(versionsQuery(place));
  const restore = useRestore(place);
  const [isNaming, setIsNaming] = useState(false);
  const days = useMemo(() => listVersions(versions.data ?? []), [versions.data]);
  const wanted = versions.data?.find(({ version }) => version === search.version);
  const selected = wanted ?? versions.data?.[0];
  const { against } = search;
  const problem = writeProblem(workspace);
  return (
    <article className={classes.page}>
      <title>{`${titleOf(path)} (history) · ${workspace.name} · Terrarium`}</title>
      <NotebookBanner path={path} mode="Version history">
        <ButtonLink {...links.preview(workspace, path)} variant="default">
          Preview
        </ButtonLink>
        <ButtonLink {...links.open(workspace, path)}>Open</ButtonLink>
      </NotebookBanner>
      {versions.error !== null && versions.data === undefined ? (
        <ErrorNote error={versions.error} retry={() => void versions.refetch()} />
      ) : versions.data === undefined ? (
        <Waiting />
      ) : selected === undefined ? (
        <EmptyState title="No versions yet">Whatever is saved from now on can be read again here.</EmptyState>
      ) : (
        <div className={classes.columns}>
          <div className={classes.list}>
            <VersionList place={place} days={days} selected={selected.version} against={against} />
          </div>
          <div className={classes.content}>
            <VersionHeader
              version={selected}
              problem={problem}
              isBusy={restore.isPending && restore.cell === undefined}
              onName={() => setIsNaming(true)}
              onRestore={() => restore.start(selected, selected.version)}
            />
            <RestoreNote restore={restore} />
            {search.version !== undefined && wanted === undefined && (
              <p className={classes.gone} role="status">
                The version of this link is no longer kept. This is the newest one.
              </p>
            )}
            <SegmentedControl
              className={classes.toggle}
              size="xs"
              aria-label="Compare with"
              data={[
                { value: 'previous', label: 'Changes in this version' },
                { value: 'current', label: 'Compared with now' },
              ]}
              value={against ?? 'previous'}
              onChange={(value) =>
                void navigate({
                  ...links.history(workspace, path, {
                    version: selected.version,
                    against: value === 'current' ? 'current' : undefined,
                  }),
                  replace: true,
                  resetScroll: false,
                })
              }
            />
            <Difference
              key={`${selected.version} ${against ?? ''}`}
              query={versionDiffQuery(
                place,
                selected.version,
                against ?? versionBefore(days, selected.version) ?? 'previous',
              )}
            >
              {(diff) => (
                <DiffView
                  place={place}
                  diff={diff}
                  selected={selected}
                  problem={problem}
                  busyCell={restore.isPending ? restore.cell : undefined}
                  onRestoreCell={(cell, { version }) => restore.start(selected, version, cell)}
                />
              )}
            </Difference>
          </div>
        </div>
      )}
      {isNaming && selected !== undefined && (
        <NameVersionDialog place={place} version={selected} onClose={() => setIsNaming(false)} />
      )}
    </article>
  );
}

function Difference({
  query,
  children,
}: {
  query: ReturnType<typeof versionDiffQuery>;
  children: (diff: NonNullable<ReturnType<typeof useDiff>['data']>) => React.ReactNode;
}) {
  const diff = useDiff(query);
  if (diff.data !== undefined) return children(diff.data);
  if (diff.error !== null) return <ErrorNote error={diff.error} retry={() => void diff.refetch()} />;
  return (
    <div aria-busy="true" aria-label="Loading">
      <Skeleton height={120} mb="md" />
      <Skeleton height={80} />
    </div>
  );
}

function useDiff(query: ReturnType<typeof versionDiffQuery>) {
  return useQuery(query);
}

function Waiting() {
  return (
    <div className={classes.columns} aria-busy="true" aria-label="Loading">
      <div>
        {[0, 1, 2, 3].map((index) => (
          <Skeleton key={index} height={44} mb={8} />
        ))}
      </div>
      <div>
        <Skeleton height={32} mb="md" />
        <Skeleton height={160} />
      </div>
    </div>
  );
}
