import type { Principal } from '../accounts/accounts.ts';
import type { Binder } from '../plumbing/http/bind.ts';
import type { Disks } from './disks.ts';

export function diskRoutes(bind: Binder<Principal>, disks: Disks): void {
  bind.on('listDisks', ({ who }) => disks.list(who.account.id));
  bind.on('getDisk', ({ who, params }) => disks.get(who.account.id, params.id));
  bind.on('updateDisk', ({ who, params, body }) => disks.update(who.account.id, params.id, body));
  bind.on('snapshotDisk', ({ who, params, body }) => disks.copy(who.account.id, params.id, 'snapshot', body));
  bind.on('cloneDisk', ({ who, params, body }) => disks.copy(who.account.id, params.id, 'disk', body));
  bind.on('deleteDisk', ({ who, params }) => disks.requestDelete(who.account.id, params.id));
}
