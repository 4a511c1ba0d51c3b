import type { PriceTable } from '@terrarium/contract';
import type { Principal } from '../accounts/accounts.ts';
import type { Binder } from '../plumbing/http/bind.ts';
import type { Spend } from './spend.ts';

export function costRoutes(bind: Binder<Principal>, spend: Spend, prices: PriceTable): void {
  bind.on('getPrices', async () => prices);
  bind.on('getSpend', ({ who, params, query }) =>
    spend.report(who.account.id, params.name, { from: query.from, to: query.to, by: query.by }),
  );
}
