import type { Account } from '@terrarium/contract';

/** Who wrote something, as others see it. */
export interface Author {
  readonly accountId: string;
  /** The account's name, or its e-mail address. */
  readonly name: string;
}

export function authorOf({ id, name, email }: Pick<Account, 'id' | 'name' | 'email'>): Author {
  return { accountId: id, name: name === '' ? email : name };
}
