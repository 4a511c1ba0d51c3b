import type { AgentActivity, AgentHealth, AgentKernel, AgentUsage } from '@terrarium/contract/agent';
import type { Kernels } from '../kernels/kernels.ts';
import { paths } from '../paths.ts';
import { sendJson, type Route } from '../router.ts';
import type { Activity } from './activity.ts';
import type { KernelUsage } from './kernel-usage.ts';
import type { Usage } from './usage.ts';

export function activityRoutes(parts: {
  environmentId: string;
  kernels: Kernels;
  activity: Activity;
  usage: Usage;
  kernelUsage: KernelUsage;
  /** Open WebSockets. */
  connections: () => number;
}): Route[] {
  const { environmentId, kernels, activity, usage, kernelUsage, connections } = parts;
  const iso = (at: number): string => new Date(at).toISOString();
  return [
    {
      method: 'GET',
      path: paths.health,
      handle({ response }) {
        const health: AgentHealth = {
          status: 'ready',
          environmentId,
          startedAt: iso(activity.startedAt),
          isWarm: kernels.isWarm,
        };
        sendJson(response, 200, health);
      },
    },
    {
      method: 'GET',
      path: paths.activity,
      handle({ response }) {
        const answer: AgentActivity = activity.look();
        sendJson(response, 200, answer);
      },
    },
    {
      method: 'GET',
      path: paths.usage,
      async handle({ response }) {
        const answer: AgentUsage = await usage.measure();
        sendJson(response, 200, answer);
      },
    },
    {
      method: 'GET',
      path: paths.kernels,
      async handle({ response }) {
        const answer: AgentKernel[] = await kernelUsage.look();
        sendJson(response, 200, answer);
      },
    },
    {
      method: 'GET',
      path: '/api/status',
      handle({ response }) {
        sendJson(response, 200, {
          started: iso(activity.startedAt),
          last_activity: iso(activity.lastActivityAt),
          connections: connections(),
          kernels: kernels.list().length,
        });
      },
    },
    {
      method: 'GET',
      path: '/api',
      handle({ response }) {
        // The jupyter_server whose behaviour this API follows.
        sendJson(response, 200, { version: '2.17.0' });
      },
    },
  ];
}
