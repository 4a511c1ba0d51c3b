import { JupyterLab } from '@jupyterlab/application';
import { IConnectionStatus, IServiceManager } from '@jupyterlab/services';
import { PluginRegistry } from '@lumino/coreutils';
import { jupyterPlugins, jupyterRenderers } from './jupyter-extensions.ts';
import { executorPlugin } from './executor.ts';
import './styles.ts';


async function start(): Promise<void> {
  const registry = new PluginRegistry<JupyterLab>();
  registry.registerPlugins(jupyterPlugins as never);
  const connectionStatus = await registry.resolveRequiredService(IConnectionStatus);
  const serviceManager = await registry.resolveRequiredService(IServiceManager);
  const lab = new JupyterLab({
    pluginRegistry: registry as never,
    connectionStatus,
    serviceManager,
    mimeExtensions: jupyterRenderers,
    availablePlugins: [],
  });
  lab.registerPlugins([executorPlugin]);
  await lab.start();
}

void start();
