import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IUrlResolverFactory, RenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

const home = '/home/jupyter/';

/**
 * Links paths in outputs, those of tracebacks above all, where the path itself says that the file can be opened here.
 * JupyterLab's own asks the server about every path-like string, also about `1/0`.
 */
class HomeResolver extends RenderMimeRegistry.UrlResolver {
  override resolvePath(path: string): Promise<IRenderMime.IResolvedLocation | null> {
    if (!path.startsWith(home) || path.includes('/../')) return Promise.resolve(null);
    return Promise.resolve({ path: path.slice(home.length), scope: 'server' });
  }
}

export const fileLinksPlugin: JupyterFrontEndPlugin<IUrlResolverFactory> = {
  id: 'terrarium:file-links',
  autoStart: true,
  provides: IUrlResolverFactory,
  activate: () => ({ createResolver: (options) => new HomeResolver(options) }),
};
