import { authorOf } from '../accounts/author.ts';
import type { Principal } from '../accounts/accounts.ts';
import type { Binder } from '../plumbing/http/bind.ts';
import type { Access } from '../workspaces/access.ts';
import { toBucketObject, type Buckets } from './buckets.ts';
import { conditionsOf, etagOf, requiredGeneration } from './http-conditions.ts';
import { readerOf } from './request-body.ts';
import { noSuchObject, sendObject } from './send-object.ts';

export function bucketRoutes(bind: Binder<Principal>, deps: { buckets: Buckets; access: Access }): void {
  const { buckets, access } = deps;

  bind.on('listObjects', async ({ who, params, query }) => {
    const { workspace } = await access.workspace(who.account.id, params.namespace, params.name, 'read');
    const page = await buckets.list(workspace, query);
    return { objects: page.objects.map(toBucketObject), folders: page.folders, nextPageToken: page.nextPageToken };
  });

  bind.on('getObject', async ({ who, params, request, reply }) => {
    const { workspace } = await access.workspace(who.account.id, params.namespace, params.name, 'read');
    return sendObject(buckets, workspace, params.key, { request, reply, disposition: 'attachment' });
  });

  bind.on('putObject', async ({ who, params, body, request, reply, signal }) => {
    const { workspace } = await access.workspace(who.account.id, params.namespace, params.name, 'write');
    const conditions = conditionsOf(request.headers);
    const isConditional = conditions.ifMatch !== undefined || conditions.ifNoneMatch !== undefined;
    const current = isConditional ? await buckets.head(workspace, params.key) : null;
    const info = await buckets.put(workspace, params.key, readerOf(body), {
      contentType: request.headers['content-type'],
      ifGeneration: requiredGeneration(conditions, params.key, current),
      signal,
      author: authorOf(who.account),
    });
    void reply.header('etag', etagOf(info));
    return toBucketObject(info);
  });

  bind.on('deleteObject', async ({ who, params, request }) => {
    const { workspace } = await access.workspace(who.account.id, params.namespace, params.name, 'write');
    if (params.key.endsWith('/')) {
      if (!(await buckets.deleteFolder(workspace, params.key))) throw noSuchObject(params.key);
      return;
    }
    const conditions = conditionsOf(request.headers);
    const isConditional = conditions.ifMatch !== undefined || conditions.ifNoneMatch !== undefined;
    const current = isConditional ? await buckets.head(workspace, params.key) : null;
    const ifGeneration = requiredGeneration(conditions, params.key, current);
    if (!(await buckets.delete(workspace, params.key, { ifGeneration }))) throw noSuchObject(params.key);
  });
}
