import type { agentPaths } from '@terrarium/contract/agent';

/** The contract's module would bring zod with it; its types hold these to the same values. */
export const paths: typeof agentPaths = {
  health: '/agent/health',
  activity: '/agent/activity',
  usage: '/agent/usage',
  kernels: '/agent/kernels',
  startup: '/agent/startup',
  variables: '/agent/variables',
  folders: '/agent/folders',
};
