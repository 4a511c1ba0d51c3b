import { JupyterLab } from '@jupyterlab/application';
import { IConnectionStatus, IServiceManager } from '@jupyterlab/services';
import { PluginRegistry } from '@lumino/coreutils';
import { savingsPlugin } from './documents/savings.ts';
import { servicePlugins } from './environment/service-plugins.ts';
import { headerPlugin } from './header/header-plugin.tsx';
import { jupyterPlugins, jupyterRenderers } from './jupyter-extensions.ts';
import { executorPlugin } from './notebook/executor.ts';
import { kernelFollowingPlugin } from './notebook/kernel-following.ts';
import { restorePlugin } from './notebook/restore.ts';
import { connectionLostPlugin } from './shell/connection-lost.ts';
import { fileLinksPlugin } from './shell/file-links.ts';
import { openingPlugin } from './shell/opening.ts';
import { pageStatePlugin, windowNamePlugin } from './shell/page-state.ts';
import './styles.ts';

/** Our plugins and JupyterLab's, in one registry, because the services are needed before the application exists. */
async function start(): Promise<void> {
  const registry = new PluginRegistry<JupyterLab>();
  registry.registerPlugins([
    ...jupyterPlugins,
    ...servicePlugins,
    savingsPlugin,
    headerPlugin,
    executorPlugin,
    kernelFollowingPlugin,
    restorePlugin,
    connectionLostPlugin,
    fileLinksPlugin,
    openingPlugin,
    pageStatePlugin,
    windowNamePlugin,
    // Each is typed by the service it provides and by the application it asks for; the registry by one of both.
  ] as never[]);
  const lab = new JupyterLab({
    pluginRegistry: registry as never,
    connectionStatus: await registry.resolveRequiredService(IConnectionStatus),
    serviceManager: await registry.resolveRequiredService(IServiceManager),
    mimeExtensions: jupyterRenderers,
    availablePlugins: [],
  });
  await lab.start();
}

void start();
