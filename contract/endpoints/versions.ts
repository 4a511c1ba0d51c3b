import * as z from 'zod';
import type { Endpoint } from '../endpoint.ts';
import { NotebookVersion, VersionDiff, VersionName, VersionRestored } from '../versions.ts';
import { workspacePath, notebookParams } from './places.ts';

const versionParams = notebookParams.extend({ version: z.string() });

export const versionsEndpoints = {
  listVersions: {
    method: 'GET',
    path: `${workspacePath}/notebooks/{path}/versions`,
    tag: 'Versions',
    summary: 'Version history of a notebook, newest first',
    params: notebookParams,
    response: z.array(NotebookVersion),
  },
  createVersion: {
    method: 'POST',
    path: `${workspacePath}/notebooks/{path}/versions`,
    tag: 'Versions',
    summary: 'Checkpoint: write the notebook now and keep it as a version; with a name, for ever',
    params: notebookParams,
    body: z.strictObject({ name: VersionName.optional() }),
    response: NotebookVersion,
    status: 201,
  },
  getVersion: {
    method: 'GET',
    path: `${workspacePath}/notebooks/{path}/versions/{version}`,
    tag: 'Versions',
    summary: 'A version as nbformat JSON',
    params: versionParams,
    response: 'bytes',
  },
  updateVersion: {
    method: 'PATCH',
    path: `${workspacePath}/notebooks/{path}/versions/{version}`,
    tag: 'Versions',
    summary: 'Name a version, which keeps it for ever; null takes the name away',
    params: versionParams,
    body: z.strictObject({ name: VersionName.nullable() }),
    response: NotebookVersion,
  },
  diffVersion: {
    method: 'GET',
    path: `${workspacePath}/notebooks/{path}/versions/{version}/diff`,
    tag: 'Versions',
    summary: 'What changed, cell by cell, between a version and the one before, another one, or the notebook now',
    params: versionParams,
    query: z.object({
      against: z.string().max(100).default('previous').describe('previous, current, or the id of a version'),
    }),
    response: VersionDiff,
  },
  restoreVersion: {
    method: 'POST',
    path: `${workspacePath}/notebooks/{path}/versions/{version}/restore`,
    tag: 'Versions',
    summary: 'Put the notebook, or only some of its cells, back to a version; what it was before stays a version',
    params: versionParams,
    body: z.strictObject({
      cells: z.array(z.string().max(64)).min(1, 'Name at least one cell, or leave "cells" out.').max(10_000).optional(),
    }),
    response: VersionRestored,
  },
} as const satisfies Record<string, Endpoint>;
