import { AppError, type Account } from '@terrarium/contract';
import { authorOf } from '../accounts/author.ts';
import { isAllowed, type Permission, type WorkspaceAccess } from '../workspaces/access.ts';

/** @see jupyter_server, GET /api/me: `identity` */
export function identityOf(account: Account) {
  const { name } = authorOf(account);
  return {
    username: account.email,
    name,
    display_name: name,
    initials: initialsOf(name),
    avatar_url: null,
    color: null,
  };
}

function initialsOf(name: string): string {
  const words = name.split(/[\s.@_-]+/).filter((word) => word !== '');
  return words
    .slice(0, 2)
    .map((word) => (Array.from(word)[0] ?? '').toUpperCase())
    .join('');
}

const needed = new Map<string, Permission>([
  ['read', 'read'],
  ['write', 'write'],
  ['execute', 'compute'],
]);
/** Resources that exist only in an environment. */
const ofEnvironment = new Set(['kernels', 'sessions', 'terminals']);

/**
 * Which of the actions asked about this person may take.
 * @param asked  the `permissions` query: JSON of `{resource: [action, ...]}`
 * @throws AppError InvalidInput
 */
export function permissionsOf(access: WorkspaceAccess, asked: string | string[] | undefined): Record<string, string[]> {
  if (asked === undefined || asked === '') return {};
  const allowed: [string, string[]][] = [];
  for (const [resource, actions] of Object.entries(parse(asked))) {
    allowed.push([
      resource,
      actions.filter((action) => {
        const permission = needed.get(action);
        if (permission === undefined) return false;
        return isAllowed(access, ofEnvironment.has(resource) && permission !== 'read' ? 'compute' : permission);
      }),
    ]);
  }
  return Object.fromEntries(allowed);
}

function parse(asked: string | string[]): Record<string, string[]> {
  try {
    const value: unknown = JSON.parse(typeof asked === 'string' ? asked : '');
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      const entries = Object.entries(value as Record<string, unknown>);
      if (entries.every((entry): entry is [string, string[]] => isTexts(entry[1]))) return Object.fromEntries(entries);
    }
  } catch {
    // Said below, with every other wrong form.
  }
  throw new AppError('InvalidInput', 'permissions should be a JSON dict of {"resource": ["action", …]}.');
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}
