import { accountsEndpoints } from './endpoints/accounts.ts';
import { billingEndpoints } from './endpoints/billing.ts';
import { bucketEndpoints } from './endpoints/bucket.ts';
import { environmentsEndpoints } from './endpoints/environments.ts';
import { notebooksEndpoints } from './endpoints/notebooks.ts';
import { runsEndpoints } from './endpoints/runs.ts';
import { systemEndpoints } from './endpoints/system.ts';
import { versionsEndpoints } from './endpoints/versions.ts';
import { workspacesEndpoints } from './endpoints/workspaces.ts';

/** Every route of the API. Server handlers, the typed client and the OpenAPI document are bound from this table. */
export const endpoints = {
  ...systemEndpoints,
  ...accountsEndpoints,
  ...billingEndpoints,
  ...workspacesEndpoints,
  ...environmentsEndpoints,
  ...bucketEndpoints,
  ...notebooksEndpoints,
  ...versionsEndpoints,
  ...runsEndpoints,
} as const;

export type Endpoints = typeof endpoints;
export type EndpointName = keyof Endpoints;
