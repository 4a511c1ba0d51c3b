import type { Account } from '@terrarium/contract';
import type { Author } from '../bucket/buckets.ts';

/** An account as others see who changed a notebook. */
export function authorOf({ id, name, email }: Account): Author {
  return { accountId: id, name: name === '' ? email : name };
}
