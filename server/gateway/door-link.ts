const fallback = '/lab';

/** The origin of a workspace's JupyterLab: its id as a subdomain of the app's host. */
function workspaceOrigin(publicUrl: string, workspaceId: string): string {
  const url = new URL(publicUrl);
  return `${url.protocol}//${workspaceId}.${url.host}`;
}

/** The one-use link that signs a browser in to a workspace and goes on to `next`. */
export function doorUrl(publicUrl: string, workspaceId: string, ticket: string, next: string | undefined): string {
  const query = new URLSearchParams({ ticket, next: next ?? fallback.slice(1) });
  return `${workspaceOrigin(publicUrl, workspaceId)}/open?${query.toString()}`;
}

/**
 * The path in JupyterLab that `next` names, always starting with `/lab`, or null when it could lead anywhere else:
 * another origin, another part of this one, or a reader that disagrees on what it says.
 */
export function labPath(next: string): string | null {
  const relative = next.startsWith('/') ? next.slice(1) : next;
  // eslint-disable-next-line no-control-regex
  if (relative.length > 4000 || /[\u0000-\u001f\u007f\\]/.test(relative) || !/^lab(?:[/?#]|$)/.test(relative))
    return null;
  const origin = 'http://workspace.invalid';
  const url = URL.parse(relative, `${origin}/`);
  if (url === null || url.origin !== origin || !/^\/lab(?:\/|$)/.test(url.pathname)) return null;
  if (url.pathname.includes('//')) return null;
  return url.pathname + url.search + url.hash;
}

/** Where to go after signing in: `next` when it is safe, else JupyterLab's front page. */
export function safeNext(next: string | null): string {
  return (next === null ? null : labPath(next)) ?? fallback;
}
