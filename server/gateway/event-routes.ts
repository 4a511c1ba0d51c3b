import { AppError } from '@terrarium/contract';
import type { Accounts, Principal } from '../accounts/accounts.ts';
import type { Environments } from '../environments/environments.ts';
import type { Binder } from '../plumbing/http/bind.ts';
import type { Access } from '../workspaces/access.ts';
import type { EventStreams } from './event-stream.ts';

/** The app's stream of changes: what the account may see, over all its workspaces. */
export function eventRoutes(
  bind: Binder<Principal>,
  options: {
    accounts: Accounts;
    access: Access;
    environments: Pick<Environments, 'isPaidBy'>;
    eventStreams: EventStreams;
  },
): void {
  const { accounts, access, environments, eventStreams } = options;

  bind.on('streamEvents', async ({ who, request, reply }) => {
    reply.hijack();
    eventStreams.open({
      request: request.raw,
      response: reply.raw,
      mayHear: async ({ event, accountId }) => {
        if (accountId === who.account.id) return true;
        if (event.kind === 'environment') return environments.isPaidBy(who.account.id, event.workspaceId);
        if (accountId !== null) return false;
        if (event.workspaceId === null) return false;
        return access.workspaceById(who.account.id, event.workspaceId, 'read').then(
          () => true,
          (error: unknown) => {
            if (error instanceof AppError) return false;
            throw error;
          },
        );
      },
      mayStay: () => accounts.isStillValid(who),
    });
  });
}
