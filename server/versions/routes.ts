import type { Principal } from '../accounts/accounts.ts';
import { authorOf } from '../accounts/author.ts';
import { writeNotebook } from '../documents/nbformat.ts';
import type { Binder } from '../plumbing/http/bind.ts';
import type { Access } from '../workspaces/access.ts';
import type { DeletedNotebooks } from './deleted-notebooks.ts';
import type { GoingBack } from './going-back.ts';
import type { Versions } from './versions.ts';

export function versionRoutes(
  bind: Binder<Principal>,
  deps: { versions: Versions; goingBack: GoingBack; deletedNotebooks: DeletedNotebooks; access: Access },
): void {
  const { versions, goingBack, deletedNotebooks, access } = deps;

  interface Place {
    readonly namespace: string;
    readonly name: string;
  }
  async function workspaceOf(who: Principal, { namespace, name }: Place, permission: 'read' | 'write') {
    return (await access.workspace(who.account.id, namespace, name, permission)).workspace;
  }

  bind.on('listVersions', async ({ who, params }) =>
    versions.list(await workspaceOf(who, params, 'read'), keyOf(params)),
  );

  bind.on('createVersion', async ({ who, params, body }) =>
    versions.checkpoint(await workspaceOf(who, params, 'write'), keyOf(params), {
      name: body.name ?? null,
      author: authorOf(who.account),
    }),
  );

  bind.on('getVersion', async ({ who, params, reply }) => {
    const notebook = await goingBack.notebook(await workspaceOf(who, params, 'read'), keyOf(params), params.version);
    void reply.type('application/x-ipynb+json');
    return writeNotebook(notebook);
  });

  bind.on('diffVersion', async ({ who, params, query }) =>
    goingBack.diff(await workspaceOf(who, params, 'read'), keyOf(params), params.version, query.against),
  );

  bind.on('restoreVersion', async ({ who, params, body }) =>
    goingBack.restore(await workspaceOf(who, params, 'write'), keyOf(params), params.version, {
      cells: body.cells,
      author: authorOf(who.account),
    }),
  );

  bind.on('updateVersion', async ({ who, params, body }) =>
    versions.rename(await workspaceOf(who, params, 'write'), keyOf(params), params.version, body.name),
  );

  bind.on('listDeletedNotebooks', async ({ who, params }) =>
    deletedNotebooks.list(await workspaceOf(who, params, 'read')),
  );

  bind.on('restoreDeletedNotebook', async ({ who, params }) =>
    deletedNotebooks.restore(await workspaceOf(who, params, 'write'), params.id, authorOf(who.account)),
  );
}

function keyOf({ path }: { path: string }): string {
  return `notebooks/${path}`;
}
