import { ActionIcon, Button, Menu, Skeleton, Tooltip } from '@mantine/core';
import type { Workspace } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { IconDotsVertical } from '@tabler/icons-react';
import { useState } from 'react';
import { links } from '../links.ts';
import { EmptyState } from '../ui/EmptyState.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { disabledBecause } from '../ui/Hint.tsx';
import { ButtonLink } from '../ui/links.tsx';
import { useWorkspace } from '../workspaces/queries.ts';
import { notebookActionTitle, type NotebookAction, type Offer } from './modes.ts';
import { titleOf } from './names.ts';
import { NotebookBanner } from './NotebookBanner.tsx';
import { NotebookDialogs, type NotebookDialog } from './NotebookDialogs.tsx';
import { notebookActionIcons, NotebookMenuItems } from './NotebookMenuItems.tsx';
import { Presence } from './Presence.tsx';
import { Cell } from './preview/Cell.tsx';
import { isEmpty, parseNotebook, type PreviewNotebook } from './preview/notebook.ts';
import classes from './PreviewPage.module.css';
import { notebookContentQuery, notebooksQuery } from './queries.ts';
import { useOffers, usePlayground } from './use-modes.ts';

const moreActions: readonly NotebookAction[] = ['copy', 'copyToWorkspace', 'download'];

/** A notebook as it is in the bucket, read without any compute. It follows the edits and runs of others. */
export function PreviewPage() {
  const workspace = useWorkspace();
  const { path } = useParams({ from: '/app/workspaces/$namespace/$name/notebooks/$path/preview' });
  const navigate = useNavigate();
  // Read in the query, so that cells which did not change stay as they are on the screen.
  const content = useQuery({ ...notebookContentQuery(workspace, path), select: parse });
  const notebooks = useQuery(notebooksQuery(workspace));
  const [dialog, setDialog] = useState<NotebookDialog['kind']>();
  const offers = useOffers(workspace);
  const playground = usePlayground(workspace);
  const summary = notebooks.data?.find((notebook) => notebook.path === path);
  return (
    <article className={classes.page}>
      <title>{`${titleOf(path)} (preview) · ${workspace.name} · Terrarium`}</title>
      <NotebookBanner
        path={path}
        mode="Preview (read-only)"
        beside={summary !== undefined && <Presence notebook={summary} />}
      >
        <HistoryButton workspace={workspace} path={path} />
        <PlaygroundButton
          offer={offers.playground}
          isPending={playground.isPending}
          onClick={() => playground.mutate(path)}
        />
        <EditButton workspace={workspace} path={path} offer={offers.edit} />
        {offers.edit.problem !== undefined && <CopyButton onClick={() => setDialog('copyToWorkspace')} />}
        <Menu width={248}>
          <Menu.Target>
            <ActionIcon size="sm" aria-label="More actions">
              <IconDotsVertical size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <NotebookMenuItems
              workspace={workspace}
              path={path}
              offers={offers}
              actions={moreActions}
              onAct={(act) => {
                if (act !== 'playground') setDialog(act);
              }}
            />
          </Menu.Dropdown>
        </Menu>
      </NotebookBanner>
      <ErrorNote error={playground.error} />
      <div className={classes.content}>
        {content.data === undefined ? (
          content.error === null ? (
            <Skeleton height={320} aria-label="Loading" />
          ) : (
            <ErrorNote error={content.error} retry={() => void content.refetch()} />
          )
        ) : (
          <Notebook parsed={content.data} />
        )}
      </div>
      {dialog !== undefined && (
        <NotebookDialogs
          workspace={workspace}
          dialog={{ kind: dialog, notebook: { path, size: summary?.size ?? 0 } }}
          existing={notebooks.data?.map((notebook) => notebook.path) ?? []}
          onClose={() => setDialog(undefined)}
          onDone={(copy) => void navigate(links.preview(workspace, copy))}
        />
      )}
    </article>
  );
}

function HistoryButton({ workspace, path }: { workspace: Workspace; path: string }) {
  const Icon = notebookActionIcons.history;
  return (
    <ButtonLink {...links.history(workspace, path)} variant="default" leftSection={<Icon size={16} aria-hidden />}>
      {notebookActionTitle.history}
    </ButtonLink>
  );
}

function PlaygroundButton({ offer, isPending, onClick }: { offer: Offer; isPending: boolean; onClick: () => void }) {
  const Icon = notebookActionIcons.playground;
  return (
    <Tooltip label={offer.problem ?? offer.hint}>
      <Button
        variant="default"
        leftSection={<Icon size={16} aria-hidden />}
        loading={isPending}
        {...disabledBecause(offer.problem, onClick)}
      >
        {notebookActionTitle.playground}
      </Button>
    </Tooltip>
  );
}

function EditButton({ workspace, path, offer }: { workspace: Workspace; path: string; offer: Offer }) {
  const Icon = notebookActionIcons.edit;
  const icon = <Icon size={16} aria-hidden />;
  return (
    <Tooltip label={offer.problem ?? offer.hint}>
      {offer.problem === undefined ? (
        <ButtonLink {...links.open(workspace, path)} leftSection={icon}>
          {notebookActionTitle.edit}
        </ButtonLink>
      ) : (
        <Button leftSection={icon} {...disabledBecause(offer.problem, () => undefined)}>
          {notebookActionTitle.edit}
        </Button>
      )}
    </Tooltip>
  );
}

/** For whom reading is all that can be done here: the way on. */
function CopyButton({ onClick }: { onClick: () => void }) {
  const Icon = notebookActionIcons.copyToWorkspace;
  return (
    <Button leftSection={<Icon size={16} aria-hidden />} onClick={onClick}>
      {notebookActionTitle.copyToWorkspace}
    </Button>
  );
}

type Parsed = { readonly notebook: PreviewNotebook } | { readonly problem: string };

function Notebook({ parsed }: { parsed: Parsed }) {
  if ('problem' in parsed) return <EmptyState title="No preview">{parsed.problem}</EmptyState>;
  if (isEmpty(parsed.notebook)) return <EmptyState title="This notebook is empty" />;
  return (
    <div>
      {parsed.notebook.cells.map((cell, index) => (
        <section key={cell.id} className={classes.cell} aria-label={`Cell ${String(index + 1)}`}>
          <Cell cell={cell} language={parsed.notebook.language} />
        </section>
      ))}
    </div>
  );
}

function parse(text: string): Parsed {
  try {
    return { notebook: parseNotebook(text) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : 'This notebook cannot be read.' };
  }
}
