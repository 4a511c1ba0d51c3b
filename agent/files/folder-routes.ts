import type { AgentFolders } from '@terrarium/contract/agent';
import { paths } from '../paths.ts';
import { sendJson, type Route } from '../router.ts';
import { findBiggest } from './folders.ts';

const longestMs = 10_000;

/** Whoever asks while the disk is being read gets the same answer. */
export function folderRoutes(home: string): Route[] {
  let reading: Promise<AgentFolders> | null = null;
  return [
    {
      method: 'GET',
      path: paths.folders,
      async handle({ response }) {
        reading ??= findBiggest(home, { withinMs: longestMs }).finally(() => {
          reading = null;
        });
        sendJson(response, 200, await reading);
      },
    },
  ];
}
