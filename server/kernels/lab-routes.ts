import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '@terrarium/contract';
import type { LabFiles } from './lab-files.ts';
import { labPage } from './lab-page.ts';
import type { LabSettings } from './lab-settings.ts';
import { visitorOf } from './visitor.ts';

const notBuilt = 'JupyterLab has not been built here. Stop Terrarium and run npm start, which builds it.';

/** JupyterLab: its page, its files, and what it keeps for a person. */
export function labRoutes(
  door: FastifyInstance,
  options: { files: LabFiles; settings: LabSettings; publicUrl: string },
): void {
  const { files, settings, publicUrl } = options;

  const page = async (request: FastifyRequest, reply: FastifyReply) => {
    const { principal, access, basePath } = visitorOf(request.raw);
    // Its scripts would ask for their data with a cookie, which counts on the workspace's own origin alone.
    if (basePath !== '') throw new AppError('NotFound', 'JupyterLab opens from Terrarium, not at this address.');
    const template = await files.page();
    if (template === null) throw new AppError('NotPossibleNow', notBuilt);
    const { workspace, role, canCompute } = access;
    return reply
      .type('text/html; charset=utf-8')
      .header('cache-control', 'no-store')
      .send(
        labPage(template, {
          baseUrl: '/',
          terrarium: {
            workspaceId: workspace.id,
            namespace: workspace.namespace,
            name: workspace.name,
            appUrl: publicUrl,
            role,
            canCompute,
            accountId: principal.account.id,
            userEmail: principal.account.email,
            userName: principal.account.name,
          },
        }),
      );
  };
  for (const url of ['/lab', '/lab/tree', '/lab/tree/*', '/lab/workspaces/*']) door.get(url, page);
  door.get('/', (_request, reply) => reply.redirect('/lab'));

  const bundle = async (request: FastifyRequest, reply: FastifyReply, name: string) => {
    const file = await files.file(name, /\bgzip\b/.test(request.headers['accept-encoding'] ?? ''));
    if (file === null) throw new AppError('NotFound', 'There is no such file in JupyterLab.');
    void reply.header('cache-control', file.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache');
    void reply.header('vary', 'accept-encoding');
    if (file.isCompressed) void reply.header('content-encoding', 'gzip');
    return reply.type(file.contentType).send(file.body);
  };
  door.get('/static/lab/*', (request, reply) => bundle(request, reply, wildcard(request)));
  door.get('/favicon.ico', (request, reply) => bundle(request, reply, 'favicon.svg'));

  door.get('/lab/api/settings', async (request) => {
    const { ids_only: idsOnly } = request.query as { ids_only?: string };
    const list = await settings.listSettings(accountOf(request));
    return { settings: idsOnly === 'true' ? list.map(({ id }) => ({ id })) : list };
  });
  door.get('/lab/api/settings/*', (request) => settings.getSettings(accountOf(request), wildcard(request)));
  door.put('/lab/api/settings/*', async (request, reply) => {
    const { raw } = (request.body ?? {}) as { raw?: unknown };
    if (typeof raw !== 'string') throw new AppError('InvalidInput', 'The body must be {"raw": "…"}.');
    await settings.putSettings(accountOf(request), wildcard(request), raw);
    return reply.code(204).send();
  });

  door.get('/lab/api/workspaces', async (request) => {
    const values = await settings.listLayouts(accountOf(request), workspaceOf(request));
    return { workspaces: { ids: values.map((layout) => layout.metadata.id), values } };
  });
  door.get('/lab/api/workspaces/*', (request) =>
    settings.getLayout(accountOf(request), workspaceOf(request), wildcard(request)),
  );
  door.put('/lab/api/workspaces/*', async (request, reply) => {
    await settings.putLayout(accountOf(request), workspaceOf(request), wildcard(request), request.body);
    return reply.code(204).send();
  });
  door.delete('/lab/api/workspaces/*', async (request, reply) => {
    await settings.deleteLayout(accountOf(request), workspaceOf(request), wildcard(request));
    return reply.code(204).send();
  });

  door.get('/lab/api/translations', () => ({
    data: { en: { displayName: 'English', nativeName: 'English' } },
    message: '',
  }));
  door.get('/lab/api/translations/:locale', () => ({ data: {}, message: '' }));
  door.get('/lab/api/listings/*', () => ({
    blocked_extensions_uris: [],
    allowed_extensions_uris: [],
    blocked_extensions: [],
    allowed_extensions: [],
  }));

  const section = (request: FastifyRequest) => (request.params as { section: string }).section;
  door.get('/api/config/:section', (request) => settings.getConfig(accountOf(request), section(request)));
  door.put('/api/config/:section', async (request, reply) => {
    await settings.putConfig(accountOf(request), section(request), request.body);
    return reply.code(204).send();
  });
  door.patch('/api/config/:section', (request) =>
    settings.patchConfig(accountOf(request), section(request), request.body),
  );
}

function accountOf(request: FastifyRequest): string {
  return visitorOf(request.raw).principal.account.id;
}

function workspaceOf(request: FastifyRequest): string {
  return visitorOf(request.raw).access.workspace.id;
}

function wildcard(request: FastifyRequest): string {
  return (request.params as { '*': string })['*'];
}
