import type { AgentStartup } from '@terrarium/contract/agent';
import { HttpError } from '../http-error.ts';
import { paths } from '../paths.ts';
import { readJson, sendJson, sendNothing, type Route } from '../router.ts';
import type { Startup } from './startup.ts';

const longestWaitMs = 30_000;

export function startupRoutes(startup: Startup): Route[] {
  return [
    {
      method: 'PUT',
      path: paths.startup,
      async handle({ request, response }) {
        const { script, timeoutMs } = (await readJson(request)) ?? {};
        const isRight = typeof script === 'string' && typeof timeoutMs === 'number' && timeoutMs > 0;
        if (!isRight) throw new HttpError(400, 'A startup script has a script and a timeoutMs.');
        startup.start({ script, timeoutMs });
        sendNothing(response);
      },
    },
    {
      method: 'GET',
      path: paths.startup,
      async handle({ response, query }) {
        const after = Math.max(0, Number(query.get('after')) || 0);
        const waitMs = Math.min(longestWaitMs, Math.max(0, Number(query.get('waitMs')) || 0));
        const answer: AgentStartup = await startup.status(after, waitMs);
        sendJson(response, 200, answer);
      },
    },
  ];
}
