import { AppError } from '@terrarium/contract';
import type { Principal } from '../accounts/accounts.ts';
import { isPlaygroundKey } from '../documents/playground-key.ts';
import type { Binder } from '../plumbing/http/bind.ts';
import type { Access } from '../workspaces/access.ts';
import { keyOf } from './notebooks.ts';
import type { Playgrounds } from './playgrounds.ts';

/**
 * A binder whose handlers are never reached with the path of somebody else's playground, whatever noun they belong to,
 * nor with an object's key where playgrounds would be: they are in no bucket.
 */
export function guardPlaygrounds(
  bind: Binder<Principal>,
  deps: { playgrounds: Pick<Playgrounds, 'admit'>; access: Pick<Access, 'workspace'> },
): Binder<Principal> {
  const { playgrounds, access } = deps;

  async function check(who: Principal, params: Readonly<Record<string, unknown>>): Promise<void> {
    const { namespace, name, path, key } = params;
    if (typeof key === 'string' && isPlaygroundKey(`${key}/`)) {
      throw new AppError('InvalidInput', 'Playgrounds are in no bucket. Keep one as a notebook to have it there.');
    }
    if (typeof path !== 'string' || !isPlaygroundKey(keyOf(path))) return;
    const { workspace } = await access.workspace(who.account.id, String(namespace), String(name), 'read');
    await playgrounds.admit(workspace, who.account.id, keyOf(path));
  }

  return {
    on(name, handler) {
      bind.on(name, async (call) => {
        await check(call.who, call.params);
        return handler(call);
      });
    },
  };
}
