import { createClient, type Client, type WorkspaceRole } from '@terrarium/contract';

/** Somebody besides the owner, with an account of his own. */
export interface Person {
  readonly email: string;
  readonly name: string;
  readonly password: string;
  readonly token: string;
  readonly client: Client;
}

/** A running control plane, and who asks it: a ControlPlane or an InsideServer's server, as its owner. */
export interface Asker {
  readonly url: string;
  readonly token: string;
}

const password = 'correct horse battery staple';
let invited = 0;

/**
 * Lets a new person into a workspace through the API, as people do it: shared with by `asker`, signed in by the
 * invitation's link, with a password and a token.
 */
export async function invite(
  asker: Asker,
  workspace: { namespace: string; name: string },
  who: { role: WorkspaceRole; name?: string; email?: string; canShare?: boolean; canCompute?: boolean },
): Promise<Person> {
  invited += 1;
  const { name: personName = '', ...rights } = who;
  const email = who.email ?? `${who.role.toLowerCase()}-${String(invited)}@example.org`;
  const { namespace, name } = workspace;
  const entries = await createClient({ baseUrl: asker.url, token: asker.token }).updateWorkspaceAcl({
    params: { namespace, name },
    body: [{ ...rights, email }],
  });
  const url = entries.find((entry) => entry.email === email)?.invitation?.url;
  if (url === undefined) throw new Error(`${email} got no invitation: there is such an account already.`);
  return acceptInvitation(asker.url, url, { email, name: personName });
}

/** Signs in by an invitation's link, gives a name and a password and makes a token. */
export async function acceptInvitation(
  baseUrl: string,
  invitation: string,
  { email, name = '' }: { email: string; name?: string },
): Promise<Person> {
  const session = await fetch(`${baseUrl}/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: baseUrl },
    body: JSON.stringify({ ticket: secretOf(invitation) }),
  });
  if (!session.ok) throw new Error(`The invitation was not taken: ${await session.text()}`);
  const cookie = session.headers.getSetCookie().map((line) => line.split(';')[0] ?? '');
  const signedIn = createClient({
    baseUrl,
    fetch: (url, init) =>
      fetch(url, {
        ...init,
        headers: { ...(init?.headers as Record<string, string>), origin: baseUrl, cookie: cookie.join('; ') },
      }),
  });
  if (name !== '') await signedIn.updateAccount({ body: { name } });
  await signedIn.setPassword({ body: { password } });
  const { secret: token } = await signedIn.createToken({ body: { label: 'story' } });
  return { email, name, password, token, client: createClient({ baseUrl, token }) };
}

/** The one-use secret in an invitation's link. */
export function secretOf(invitation: string): string {
  return new URL(invitation).hash.slice(1);
}
