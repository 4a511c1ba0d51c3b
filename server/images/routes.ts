import type { Principal } from '../accounts/accounts.ts';
import type { Binder } from '../plumbing/http/bind.ts';
import type { Images } from './images.ts';

export function imageRoutes(bind: Binder<Principal>, images: Images): void {
  bind.on('listImages', () => images.list());
}
