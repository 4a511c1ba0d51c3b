import type { FastifyBaseLogger } from 'fastify';
import * as z from 'zod';
import type { Buckets } from '../bucket/buckets.ts';
import type { AgentDoor } from '../environments/agent-client.ts';
import { askAgent } from './agent-http.ts';
import { bucketDirectory, directoryModel, type ContentsModel, type ContentsScope } from './contents-model.ts';

const DiskListing = z.looseObject({ content: z.array(z.looseObject({ name: z.string() })) });
type DiskEntry = z.infer<typeof DiskListing>['content'][number];

// A slow disk must not keep the notebooks, which do not need it, from being listed.
const diskTimeoutMs = 5000;
const longestListing = 16 * 1024 * 1024;

/** The top folder: the bucket's directory, and beside it what is on the disk while the environment runs. */
export function createContentsRoot(deps: { buckets: Buckets }) {
  async function onDisk(agent: AgentDoor, log: FastifyBaseLogger): Promise<DiskEntry[]> {
    try {
      const path = '/api/contents?content=1&type=directory';
      const { body } = await askAgent(agent, {
        method: 'GET',
        path,
        timeoutMs: diskTimeoutMs,
        limitBytes: longestListing,
      });
      const listing = DiskListing.parse(JSON.parse(body.toString('utf8')));
      // The disk's own copy of the notebooks is a mirror; the bucket is what is opened.
      return listing.content.filter(({ name }) => name !== bucketDirectory);
    } catch (error) {
      log.warn({ err: error }, 'the disk could not be listed beside the notebooks');
      return [];
    }
  }

  return {
    async list(
      scope: ContentsScope,
      agent: AgentDoor | null,
      withContent: boolean,
      log: FastifyBaseLogger,
    ): Promise<ContentsModel> {
      const model = directoryModel(scope, '', null);
      if (!withContent) return model;
      const marker = await deps.buckets.head(scope.owner, `${bucketDirectory}/`);
      const notebooks = directoryModel(scope, bucketDirectory, marker);
      return { ...model, content: [notebooks, ...(agent === null ? [] : await onDisk(agent, log))], format: 'json' };
    },
  };
}
