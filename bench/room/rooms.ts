import type * as Y from 'yjs';
import { writeNotebook, type Notebook } from '../../server/documents/nbformat.ts';
import type { RoomClient } from '../../server/documents/testing-client.ts';
import { joinRoom, openSession, type RoomDoor } from '../../server/testing/room-typist.ts';
import type { Terrarium } from '../subject/terrarium.ts';

/** Where the live notebooks of a control plane are. */
export function roomDoor({ url, authorization, workspace }: Terrarium): RoomDoor {
  return { url, token: authorization.replace(/^Bearer /, ''), workspace };
}

/** Stores a notebook as `path`, below `notebooks/`. */
export async function putNotebook(terrarium: Terrarium, path: string, notebook: Notebook): Promise<void> {
  await terrarium.client.putNotebookContent({
    params: { ...terrarium.workspace, path },
    body: writeNotebook(notebook),
  });
}

/** Opens a notebook as a browser does. @param doc  a model's own document, where it has one */
export async function openNotebook(door: RoomDoor, path: string, doc?: Y.Doc): Promise<RoomClient> {
  const client = joinRoom(door, await openSession(door, `notebooks/${path}`), doc);
  await client.until(() => client.isSynced, 'the first sync', 60_000);
  return client;
}
