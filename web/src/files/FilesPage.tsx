import { Button } from '@mantine/core';
import { endpoints, endpointUrl, objectKeyProblem } from '@terrarium/contract';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { IconFolderPlus, IconUpload } from '@tabler/icons-react';
import { useState } from 'react';
import { DropZone } from '../ui/DropZone.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { FilePicker } from '../ui/FilePicker.tsx';
import { disabledBecause, Hint } from '../ui/Hint.tsx';
import { matches, useListState } from '../ui/list-search.ts';
import { SearchInput } from '../ui/SearchInput.tsx';
import { Toolbar } from '../ui/Toolbar.tsx';
import { writeProblem } from '../workspaces/permissions.ts';
import { useWorkspace } from '../workspaces/queries.ts';
import { DeleteEntryDialog } from './DeleteEntryDialog.tsx';
import { entriesOf, type Entry } from './entry.ts';
import classes from './FilesPage.module.css';
import { FileTable } from './FileTable.tsx';
import { FolderPath } from './FolderPath.tsx';
import { NewFolderDialog } from './NewFolderDialog.tsx';
import { folderQuery } from './queries.ts';
import { sendFile } from './send-file.ts';
import { UploadList } from './UploadList.tsx';
import { useUploads } from './uploads.ts';

/** The workspace bucket, one folder at a time. */
export function FilesPage() {
  const workspace = useWorkspace();
  const { folder: asked = '' } = useSearch({ from: '/app/workspaces/$namespace/$name/files' });
  const folder = asked === '' || asked.endsWith('/') ? asked : `${asked}/`;
  const list = useListState();
  const queryClient = useQueryClient();
  const listing = useQuery(folderQuery(workspace, folder));
  const [dialog, setDialog] = useState<{ kind: 'new-folder' } | { kind: 'delete'; entry: Entry }>();
  const { namespace, name } = workspace;
  const uploads = useUploads({
    check: (file) => objectKeyProblem(folder + file.name),
    send: (file, options) =>
      sendFile(endpointUrl(endpoints.putObject, { namespace, name, key: folder + file.name }), file, options),
    onStored: () => void queryClient.invalidateQueries({ queryKey: ['objects', namespace, name] }),
  });
  const problem = writeProblem(workspace);
  const entries = listing.data === undefined ? undefined : entriesOf(listing.data, folder);
  const rows = entries?.filter((entry) => matches(list.query, entry.name));
  const close = (): void => setDialog(undefined);
  const uploadButton = (
    <FilePicker onFiles={uploads.add}>
      {(open) => (
        <Hint reason={problem}>
          <Button leftSection={<IconUpload size={16} aria-hidden />} {...disabledBecause(problem, open)}>
            Upload files
          </Button>
        </Hint>
      )}
    </FilePicker>
  );
  return (
    <div className={classes.page}>
      <title>{`${folder === '' ? 'Files' : folder.slice(0, -1)} · ${workspace.name} · Terrarium`}</title>
      <FolderPath workspace={workspace} folder={folder} />
      <Toolbar
        actions={
          <>
            <Hint reason={problem}>
              <Button
                variant="default"
                leftSection={<IconFolderPlus size={16} aria-hidden />}
                {...disabledBecause(problem, () => setDialog({ kind: 'new-folder' }))}
              >
                New folder
              </Button>
            </Hint>
            {uploadButton}
          </>
        }
      >
        <SearchInput key={folder} list={list} label="Search this folder" />
      </Toolbar>
      <UploadList uploads={uploads} />
      <DropZone
        text={problem ?? `Drop to upload to ${folder === '' ? 'the bucket' : folder}`}
        onFiles={problem === undefined ? uploads.add : () => undefined}
      >
        {listing.error !== null && listing.data === undefined ? (
          <ErrorNote error={listing.error} retry={() => void listing.refetch()} />
        ) : entries?.length === 0 ? (
          <EmptyState title={folder === '' ? 'The bucket is empty' : 'This folder is empty'} action={uploadButton}>
            Drop files here, or upload them. Anyone in the workspace can read them.
          </EmptyState>
        ) : rows?.length === 0 ? (
          <EmptyState title={`Nothing here matches "${list.query}"`} />
        ) : (
          <FileTable
            workspace={workspace}
            entries={rows}
            list={list}
            onDelete={(entry) => setDialog({ kind: 'delete', entry })}
          />
        )}
      </DropZone>
      {dialog?.kind === 'new-folder' && (
        <NewFolderDialog
          workspace={workspace}
          folder={folder}
          existing={entries?.map((entry) => entry.name) ?? []}
          onClose={close}
        />
      )}
      {dialog?.kind === 'delete' && <DeleteEntryDialog workspace={workspace} entry={dialog.entry} onClose={close} />}
    </div>
  );
}
