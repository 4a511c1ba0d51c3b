import type { FastifyInstance, FastifyRequest } from 'fastify';
import * as z from 'zod';
import { AppError, NewNotebookPath, NotebookPath } from '@terrarium/contract';
import { authorOf } from '../accounts/author.ts';
import type { Playgrounds } from '../notebooks/playgrounds.ts';
import type { Access } from '../workspaces/access.ts';
import { visitorOf } from './visitor.ts';

/** Jupyter's paths start with the folder; the rest is the notebook's path. */
const folder = 'notebooks/';
const below = (path: string): string => (path.startsWith(folder) ? path.slice(folder.length) : path);
const path = z.string('The "path" of a notebook is a text.').transform(below).pipe(NotebookPath);
const Make = z.object({ path });
const Keep = z.object({ path, to: z.string('The new name, "to", is a text.').transform(below).pipe(NewNotebookPath) });

/** Playgrounds inside JupyterLab, on the workspace's own origin, where the app's API is out of reach. */
export function doorPlaygroundRoutes(
  door: FastifyInstance,
  deps: { playgrounds: Pick<Playgrounds, 'create' | 'keep'>; access: Pick<Access, 'workspaceById'> },
): void {
  const { playgrounds, access } = deps;

  async function visit(request: FastifyRequest, permission: 'write' | 'compute') {
    const { principal, access: held } = visitorOf(request.raw);
    const { workspace } = await access.workspaceById(principal.account.id, held.workspace.id, permission);
    return { workspace, author: authorOf(principal.account) };
  }

  door.post('/terrarium/notebooks/playground', async (request, reply) => {
    const { workspace, author } = await visit(request, 'compute');
    const made = await playgrounds.create(workspace, author, valid(Make, request.body).path);
    return reply.code(201).send({ path: folder + made.path });
  });

  door.post('/terrarium/notebooks/keep', async (request, reply) => {
    const { workspace, author } = await visit(request, 'write');
    const { path: from, to } = valid(Keep, request.body);
    const kept = await playgrounds.keep(workspace, author, from, to);
    return reply.code(201).send({ path: folder + kept.path });
  });
}

function valid<S extends z.ZodType>(schema: S, body: unknown): z.infer<S> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw new AppError('InvalidInput', result.error.issues[0]?.message ?? 'The request is not valid.');
}
