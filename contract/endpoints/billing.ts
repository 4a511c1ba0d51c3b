import * as z from 'zod';
import type { Endpoint } from '../endpoint.ts';
import { PriceTable } from '../money.ts';
import { BillingProjectName, Description } from '../names.ts';
import { BillingProject, SpendReport } from '../resources.ts';

export const billingEndpoints = {
  listBillingProjects: {
    method: 'GET',
    path: '/api/billing-projects',
    tag: 'Billing',
    summary: 'Billing projects you are a member of',
    response: z.array(BillingProject),
  },
  createBillingProject: {
    method: 'POST',
    path: '/api/billing-projects',
    tag: 'Billing',
    summary: 'Create a billing project; you become its owner',
    body: z.strictObject({ name: BillingProjectName, description: Description.optional() }),
    response: BillingProject,
    status: 201,
  },
  getBillingProject: {
    method: 'GET',
    path: '/api/billing-projects/{name}',
    tag: 'Billing',
    summary: 'One billing project',
    params: z.object({ name: z.string() }),
    response: BillingProject,
  },
  deleteBillingProject: {
    method: 'DELETE',
    path: '/api/billing-projects/{name}',
    tag: 'Billing',
    summary: 'Delete a billing project that has no workspaces',
    params: z.object({ name: z.string() }),
    status: 204,
  },
  getSpend: {
    method: 'GET',
    path: '/api/billing-projects/{name}/spend',
    tag: 'Billing',
    summary: 'Spend in a period, grouped',
    params: z.object({ name: z.string() }),
    query: z.object({
      from: z.iso.datetime().optional(),
      to: z.iso.datetime().optional(),
      by: z.enum(['workspace', 'user', 'day']).default('workspace'),
    }),
    response: SpendReport,
  },

  getPrices: { method: 'GET', path: '/api/prices', tag: 'Cost', summary: 'The price table', response: PriceTable },
} as const satisfies Record<string, Endpoint>;
