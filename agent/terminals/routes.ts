import { readJson, sendJson, sendNothing, type Route } from '../router.ts';
import type { Terminals } from './terminals.ts';

export function terminalRoutes(terminals: Terminals): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/terminals',
      handle({ response }) {
        sendJson(response, 200, terminals.list());
      },
    },
    {
      method: 'POST',
      path: '/api/terminals',
      async handle({ request, response }) {
        const body = (await readJson(request)) ?? {};
        sendJson(response, 200, await terminals.create({ name: body['name'], cwd: body['cwd'] }));
      },
    },
    {
      method: 'GET',
      path: '/api/terminals/{name}',
      handle({ response, params }) {
        sendJson(response, 200, terminals.model(params['name'] ?? ''));
      },
    },
    {
      method: 'DELETE',
      path: '/api/terminals/{name}',
      async handle({ response, params }) {
        await terminals.remove(params['name'] ?? '');
        sendNothing(response);
      },
    },
  ];
}
