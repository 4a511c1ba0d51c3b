/** Where a request goes, told by its Host and path alone. `url` is what the destination sees as its path and query. */
export type Destination =
  /** `isPublicHost` is false for a loopback name that is not the app's own. */
  | { readonly to: 'app'; readonly isPublicHost: boolean; readonly url: string }
  | { readonly to: 'workspace'; readonly workspaceId: string; readonly url: string }
  | {
      readonly to: 'programs';
      readonly namespace: string;
      readonly name: string;
      readonly basePath: string;
      readonly url: string;
    }
  | { readonly to: 'nowhere'; readonly status: 400 | 404 | 421; readonly message: string };

type Host =
  | { readonly kind: 'app'; readonly isPublicHost: boolean }
  | { readonly kind: 'workspace'; readonly workspaceId: string }
  | { readonly kind: 'foreign' };

const wrongHost =
  'This server does not answer to that host name. Open it at the address that Terrarium printed when it started.';
const workspaceLabel = /^[a-z0-9]{1,40}$/;
const programs = /^\/jupyter\/([^/?]+)\/([^/?]+)(\/[^?]*)?(\?.*)?$/;
const keptHosts = 1000;

/**
 * Splits requests by host and path.
 * A name that is not ours is refused, so that a page whose own name is pointed at this address (DNS rebinding) reaches
 * nothing.
 * @param publicUrl  origin of the app; its subdomains are the workspaces
 * @param listeningPort  read at each request, for the loopback names
 */
export function createSplitter(publicUrl: string, listeningPort: () => number | null) {
  const publicHost = new URL(publicUrl).host.toLowerCase();
  const known = new Map<string, Host>();

  function hostOf(header: string): Host {
    const host = header.toLowerCase();
    if (host === publicHost) return { kind: 'app', isPublicHost: true };
    if (host.endsWith(`.${publicHost}`)) {
      const label = host.slice(0, -publicHost.length - 1);
      return workspaceLabel.test(label) ? { kind: 'workspace', workspaceId: label } : { kind: 'foreign' };
    }
    const port = listeningPort();
    const isLoopback =
      port !== null && ['localhost', '127.0.0.1', '[::1]'].some((name) => host === `${name}:${String(port)}`);
    return isLoopback ? { kind: 'app', isPublicHost: false } : { kind: 'foreign' };
  }

  function rememberedHost(header: string): Host {
    const remembered = known.get(header);
    if (remembered !== undefined) return remembered;
    const host = hostOf(header);
    // Bounded: the header is the sender's to choose.
    if (host.kind !== 'foreign' && known.size < keptHosts) known.set(header, host);
    return host;
  }

  return function split(header: string | undefined, url: string): Destination {
    const host = header === undefined ? { kind: 'foreign' as const } : rememberedHost(header);
    if (host.kind === 'foreign') return { to: 'nowhere', status: 421, message: wrongHost };
    const problem = pathProblem(url);
    if (problem !== undefined) return { to: 'nowhere', status: 400, message: problem };
    if (host.kind === 'workspace') return { to: 'workspace', workspaceId: host.workspaceId, url };
    if (!url.startsWith('/jupyter/')) return { to: 'app', isPublicHost: host.isPublicHost, url };
    const match = programs.exec(url);
    const namespace = decoded(match?.[1]);
    const name = decoded(match?.[2]);
    if (match === null || namespace === null || name === null) {
      return {
        to: 'nowhere',
        status: 404,
        message: 'The address is /jupyter/{namespace}/{name}/api/…, for programs with a token.',
      };
    }
    const basePath = `/jupyter/${match[1] ?? ''}/${match[2] ?? ''}`;
    return { to: 'programs', namespace, name, basePath, url: (match[3] ?? '/') + (match[4] ?? '') };
  };
}

/**
 * Why a path is refused before anything reads it: two readers that take `..`, a backslash or a broken escape
 * differently would disagree on what was allowed.
 */
export function pathProblem(url: string): string | undefined {
  if (!url.startsWith('/')) return 'The request line holds a path, not a whole address.';
  const end = url.indexOf('?');
  const path = end === -1 ? url : url.slice(0, end);
  let plain = path;
  if (path.includes('%')) {
    const text = decoded(path);
    if (text === null) return 'The path has a percent sign that is not an escape.';
    plain = text;
  }
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f\\]/.test(plain)) return 'The path has a control character or a backslash in it.';
  if (plain.includes('/.') && /\/\.\.?(?:\/|$)/.test(plain)) return 'The path has "." or ".." in it.';
  return undefined;
}

function decoded(text: string | undefined): string | null {
  if (text === undefined) return null;
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
