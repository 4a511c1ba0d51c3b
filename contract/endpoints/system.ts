import * as z from 'zod';
import type { Endpoint } from '../endpoint.ts';

export const systemEndpoints = {
  getHealth: {
    method: 'GET',
    path: '/api/health',
    tag: 'System',
    summary: 'Whether the control plane answers',
    isPublic: true,
    response: z.object({ status: z.literal('ok'), version: z.string() }),
  },
  getOpenApi: {
    method: 'GET',
    path: '/api/openapi.json',
    tag: 'System',
    summary: 'This document',
    isPublic: true,
    response: z.record(z.string(), z.unknown()),
  },
  streamEvents: {
    method: 'GET',
    path: '/api/events',
    tag: 'System',
    summary: 'Server-sent events: what changed. Resumes after Last-Event-ID.',
    response: 'events',
  },
} as const satisfies Record<string, Endpoint>;
