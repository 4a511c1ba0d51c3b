import { Button } from '@mantine/core';
import { endpoints, endpointUrl } from '@terrarium/contract';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { IconPlus, IconTrash, IconUpload } from '@tabler/icons-react';
import { useState } from 'react';
import { sendFile } from '../files/send-file.ts';
import { UploadList } from '../files/UploadList.tsx';
import { useUploads } from '../files/uploads.ts';
import { DropZone } from '../ui/DropZone.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { FilePicker } from '../ui/FilePicker.tsx';
import { disabledBecause, Hint } from '../ui/Hint.tsx';
import { matches, useListState } from '../ui/list-search.ts';
import { SearchInput } from '../ui/SearchInput.tsx';
import { Toolbar } from '../ui/Toolbar.tsx';
import { DeletedNotebooksDialog } from '../versions/DeletedNotebooksDialog.tsx';
import { writeProblem } from '../workspaces/permissions.ts';
import { useWorkspace } from '../workspaces/queries.ts';
import { notebookFileProblem } from './check-upload.ts';
import { titleOf } from './names.ts';
import { NewNotebookDialog } from './NewNotebookDialog.tsx';
import { NotebookDialogs, type NotebookDialog } from './NotebookDialogs.tsx';
import classes from './NotebooksPage.module.css';
import { NotebookTable } from './NotebookTable.tsx';
import { PlaygroundsSection } from './PlaygroundsSection.tsx';
import { notebooksQuery } from './queries.ts';
import { useOffers, usePlayground } from './use-modes.ts';

export function NotebooksPage() {
  const workspace = useWorkspace();
  const list = useListState();
  const queryClient = useQueryClient();
  const notebooks = useQuery(notebooksQuery(workspace));
  const [isCreating, setIsCreating] = useState(false);
  const [isShowingDeleted, setIsShowingDeleted] = useState(false);
  const [dialog, setDialog] = useState<NotebookDialog>();
  const offers = useOffers(workspace);
  const playground = usePlayground(workspace);
  const { namespace, name } = workspace;
  const uploads = useUploads({
    check: notebookFileProblem,
    send: (file, options) =>
      sendFile(
        endpointUrl(endpoints.putNotebookContent, { namespace, name, path: file.name }),
        // As bytes: the server reads the body itself, whatever type the browser gave the file.
        new File([file], file.name, { type: 'application/octet-stream' }),
        options,
      ),
    onStored: () => void queryClient.invalidateQueries({ queryKey: ['notebooks', namespace, name] }),
  });
  const problem = writeProblem(workspace);
  const rows = notebooks.data?.filter((notebook) => matches(list.query, titleOf(notebook.path), notebook.language));
  const existing = notebooks.data?.map(({ path }) => path) ?? [];
  const buttons = (
    <>
      <FilePicker accept=".ipynb" onFiles={uploads.add}>
        {(open) => (
          <Hint reason={problem}>
            <Button
              variant="default"
              leftSection={<IconUpload size={16} aria-hidden />}
              {...disabledBecause(problem, open)}
            >
              Upload
            </Button>
          </Hint>
        )}
      </FilePicker>
      <Hint reason={problem}>
        <Button
          leftSection={<IconPlus size={16} aria-hidden />}
          {...disabledBecause(problem, () => setIsCreating(true))}
        >
          New notebook
        </Button>
      </Hint>
    </>
  );
  return (
    <div className={classes.page}>
      <title>{`Notebooks · ${workspace.name} · Terrarium`}</title>
      <Toolbar
        actions={
          <>
            <Button
              variant="subtle"
              color="gray"
              leftSection={<IconTrash size={16} aria-hidden />}
              onClick={() => setIsShowingDeleted(true)}
            >
              Deleted notebooks
            </Button>
            {notebooks.data?.length !== 0 && buttons}
          </>
        }
      >
        <SearchInput list={list} label="Search notebooks" />
      </Toolbar>
      <UploadList uploads={uploads} />
      <ErrorNote error={playground.error} />
      <DropZone
        text={problem ?? 'Drop notebooks (.ipynb) to upload them'}
        onFiles={problem === undefined ? uploads.add : () => undefined}
      >
        {notebooks.error !== null && notebooks.data === undefined ? (
          <ErrorNote error={notebooks.error} retry={() => void notebooks.refetch()} />
        ) : notebooks.data?.length === 0 ? (
          <EmptyState title="No notebooks yet" action={buttons}>
            Create one, or drop .ipynb files here to upload them.
          </EmptyState>
        ) : rows?.length === 0 ? (
          <EmptyState title={`No notebook matches "${list.query}"`} />
        ) : (
          <NotebookTable
            workspace={workspace}
            notebooks={rows}
            list={list}
            offers={offers}
            onPlayground={(path) => playground.mutate(path)}
            onDialog={setDialog}
          />
        )}
        <PlaygroundsSection workspace={workspace} existing={existing} />
      </DropZone>
      {isCreating && (
        <NewNotebookDialog workspace={workspace} existing={existing} onClose={() => setIsCreating(false)} />
      )}
      {isShowingDeleted && <DeletedNotebooksDialog workspace={workspace} onClose={() => setIsShowingDeleted(false)} />}
      {dialog !== undefined && (
        <NotebookDialogs
          workspace={workspace}
          dialog={dialog}
          existing={existing}
          onClose={() => setDialog(undefined)}
        />
      )}
    </div>
  );
}
