import type { Principal } from '../accounts/accounts.ts';
import type { Binder } from '../plumbing/http/bind.ts';
import type { BillingProjects } from './projects.ts';

export function billingRoutes(bind: Binder<Principal>, projects: BillingProjects): void {
  bind.on('listBillingProjects', ({ who }) => projects.list(who.account.id));
  bind.on('getBillingProject', ({ who, params }) => projects.get(who.account.id, params.name));
  bind.on('createBillingProject', ({ who, body }) =>
    projects.create(who.account.id, { name: body.name, description: body.description ?? '' }),
  );
  bind.on('deleteBillingProject', ({ who, params }) => projects.delete(who.account.id, params.name));
}
