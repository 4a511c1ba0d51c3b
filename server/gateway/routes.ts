import { AppError } from '@terrarium/contract';
import type { Accounts, Principal } from '../accounts/accounts.ts';
import type { Binder } from '../plumbing/http/bind.ts';
import type { Access } from '../workspaces/access.ts';
import { doorUrl, labPath } from './door-link.ts';

export function gatewayRoutes(
  bind: Binder<Principal>,
  options: { accounts: Accounts; access: Access; publicUrl: string },
): void {
  const { accounts, access, publicUrl } = options;

  bind.on('openDoor', async ({ who, params, body }) => {
    const { workspace } = await access.workspace(who.account.id, params.namespace, params.name, 'read');
    const next = body.path === undefined ? '/lab' : labPath(body.path);
    if (next === null) {
      const message =
        'The path must be one of JupyterLab, like "lab/tree/notebooks/a.ipynb", with its names percent-encoded.';
      throw new AppError('InvalidInput', message, { fields: { path: message } });
    }
    return { url: doorUrl(publicUrl, workspace.id, await accounts.createDoorTicket(who, workspace.id), next.slice(1)) };
  });
}
