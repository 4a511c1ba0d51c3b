import { authorOf } from '../accounts/author.ts';
import type { Principal } from '../accounts/accounts.ts';
import type { Buckets } from '../bucket/buckets.ts';
import { conditionsOf, requiredGeneration } from '../bucket/http-conditions.ts';
import { readerOf } from '../bucket/request-body.ts';
import { sendObject } from '../bucket/send-object.ts';
import type { Binder } from '../plumbing/http/bind.ts';
import type { Access } from '../workspaces/access.ts';
import { notebookContentType } from '../documents/nbformat.ts';
import { keyOf, type Notebooks } from './notebooks.ts';

export function notebookRoutes(
  bind: Binder<Principal>,
  deps: { notebooks: Notebooks; buckets: Buckets; access: Access },
): void {
  const { notebooks, buckets, access } = deps;

  bind.on('listNotebooks', async ({ who, params }) => {
    const { workspace } = await access.workspace(who.account.id, params.namespace, params.name, 'read');
    return notebooks.list(workspace);
  });

  bind.on('createNotebook', async ({ who, params, body }) => {
    const { workspace } = await access.workspace(who.account.id, params.namespace, params.name, 'write');
    return notebooks.create(workspace, body.path, body.kernel, authorOf(who.account));
  });

  bind.on('getNotebookContent', async ({ who, params, request, reply }) => {
    const { workspace } = await access.workspace(who.account.id, params.namespace, params.name, 'read');
    const options = { request, reply, disposition: 'attachment', contentType: notebookContentType } as const;
    return sendObject(buckets, workspace, keyOf(params.path), options);
  });

  bind.on('putNotebookContent', async ({ who, params, body, request, reply, signal }) => {
    const { workspace } = await access.workspace(who.account.id, params.namespace, params.name, 'write');
    const conditions = conditionsOf(request.headers);
    const isConditional = conditions.ifMatch !== undefined || conditions.ifNoneMatch !== undefined;
    const current = isConditional ? await buckets.head(workspace, keyOf(params.path)) : null;
    const ifGeneration = requiredGeneration(conditions, params.path, current);
    const summary = await notebooks.put(workspace, params.path, readerOf(body), {
      ifGeneration,
      signal,
      author: authorOf(who.account),
    });
    void reply.header('etag', `"${summary.generation}"`);
    return summary;
  });

  bind.on('copyNotebook', async ({ who, params, body }) => {
    if (body.workspace !== undefined) {
      const { namespace, name } = body.workspace;
      const { workspace: source } = await access.workspace(who.account.id, params.namespace, params.name, 'read');
      const { workspace: target } = await access.workspace(who.account.id, namespace, name, 'write');
      return notebooks.copyAcross(source, params.path, target, body.to, authorOf(who.account));
    }
    const { workspace } = await access.workspace(who.account.id, params.namespace, params.name, 'write');
    return notebooks.copy(workspace, params.path, body.to, authorOf(who.account));
  });

  bind.on('renameNotebook', async ({ who, params, body }) => {
    const { workspace } = await access.workspace(who.account.id, params.namespace, params.name, 'write');
    return notebooks.rename(workspace, params.path, body.to);
  });

  bind.on('deleteNotebook', async ({ who, params }) => {
    const { workspace } = await access.workspace(who.account.id, params.namespace, params.name, 'write');
    await notebooks.delete(workspace, params.path);
  });
}
