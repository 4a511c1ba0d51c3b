import * as z from 'zod';
import type { Endpoint } from '../endpoint.ts';
import { ObjectKey } from '../names.ts';
import { BucketListing, BucketObject } from '../resources.ts';
import { workspacePath, workspaceParams } from './places.ts';

const objectParams = workspaceParams.extend({ key: ObjectKey });

export const bucketEndpoints = {
  listObjects: {
    method: 'GET',
    path: `${workspacePath}/bucket/objects`,
    tag: 'Bucket',
    summary: 'List objects, one level with a delimiter',
    params: workspaceParams,
    query: z.object({
      prefix: z.string().max(1000).optional(),
      delimiter: z.literal('/', 'The delimiter is "/".').optional(),
      pageToken: z.string().max(2000).optional(),
      limit: z.coerce.number().int().min(1).max(1000).default(1000),
    }),
    response: BucketListing,
  },
  getObject: {
    method: 'GET',
    path: `${workspacePath}/bucket/objects/{key}`,
    tag: 'Bucket',
    summary: 'Read an object; Range is honoured',
    params: objectParams,
    response: 'bytes',
  },
  putObject: {
    method: 'PUT',
    path: `${workspacePath}/bucket/objects/{key}`,
    tag: 'Bucket',
    summary: 'Write an object; If-Match and If-None-Match are honoured. A key that ends in a slash makes a folder.',
    params: objectParams,
    body: 'bytes',
    response: BucketObject,
  },
  deleteObject: {
    method: 'DELETE',
    path: `${workspacePath}/bucket/objects/{key}`,
    tag: 'Bucket',
    summary: 'Delete an object; with a trailing slash a folder and all in it',
    params: objectParams,
    status: 204,
  },
} as const satisfies Record<string, Endpoint>;
