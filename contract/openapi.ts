import * as z from 'zod';
import type { Endpoint } from './endpoint.ts';
import { endpoints } from './endpoints.ts';
import { ErrorBody } from './errors.ts';

const bytes = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } };

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any', target: 'openapi-3.0' });
  return rest;
}

function parameters(schema: z.ZodObject, place: 'path' | 'query'): object[] {
  return Object.entries(schema.shape).map(([name, field]) => ({
    name,
    in: place,
    required: place === 'path',
    // The fields of a ZodObject are zod schemas; its type says only "core schema".
    schema: jsonSchema(field as z.ZodType, 'input'),
  }));
}

function operation(name: string, endpoint: Endpoint): object {
  const status = String(endpoint.status ?? 200);
  const content =
    endpoint.response === undefined
      ? undefined
      : endpoint.response === 'bytes'
        ? bytes
        : endpoint.response === 'events'
          ? { 'text/event-stream': { schema: { type: 'string' } } }
          : { 'application/json': { schema: jsonSchema(endpoint.response, 'output') } };
  const body =
    endpoint.body === undefined
      ? undefined
      : {
          required: true,
          content:
            endpoint.body === 'bytes' ? bytes : { 'application/json': { schema: jsonSchema(endpoint.body, 'input') } },
        };
  return {
    operationId: name,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    parameters: [
      ...(endpoint.params === undefined ? [] : parameters(endpoint.params, 'path')),
      ...(endpoint.query === undefined ? [] : parameters(endpoint.query, 'query')),
    ],
    ...(body === undefined ? {} : { requestBody: body }),
    ...(endpoint.isPublic === true ? { security: [] } : {}),
    responses: {
      [status]: { description: 'Success', ...(content === undefined ? {} : { content }) },
      default: {
        description: 'What went wrong',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
  };
}

/** The OpenAPI 3.0 document of every route in the endpoint table. */
export function openApiDocument(version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, object>> = {};
  for (const [name, endpoint] of Object.entries<Endpoint>(endpoints)) {
    (paths[endpoint.path] ??= {})[endpoint.method.toLowerCase()] = operation(name, endpoint);
  }
  return {
    openapi: '3.0.3',
    info: { title: 'Terrarium', version, description: 'Workspaces, notebooks and Cloud Environments.' },
    security: [{ token: [] }],
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Error: jsonSchema(ErrorBody, 'output') },
    },
    paths,
  };
}
