import { JupyterLab } from '@jupyterlab/application';
import { IConnectionStatus, IServiceManager } from '@jupyterlab/services';
import { PluginRegistry } from '@lumino/coreutils';
import { leaveExecutionStateToServer, leaveFirstCellToServer } from './documents/live-model.ts';
import { liveContentsPlugin, liveNotebooksPlugin } from './documents/live-notebooks.ts';
import { savingsPlugin } from './documents/savings.ts';
import { servicePlugins } from './environment/service-plugins.ts';
import { environmentCommandsPlugin } from './environment/environment-commands.ts';
import { headerPlugin } from './header/header-plugin.tsx';
import { usageStatusPlugin } from './header/usage-status.tsx';
import { collaborationPlugins, jupyterPlugins, jupyterRenderers } from './jupyter-extensions.ts';
import { renderBetweenKeys } from './notebook/calm-rendering.ts';
import { executorPlugin } from './notebook/executor.ts';
import { kernelDeathsPlugin } from './notebook/kernel-deaths.ts';
import { kernelFollowingPlugin } from './notebook/kernel-following.ts';
import { renderOutputsWithTheirCell } from './notebook/late-outputs.ts';
import { followSharedOutputs } from './notebook/live-outputs.ts';
import { readOnlyPlugin } from './notebook/read-only.ts';
import { runningCellsPlugin } from './notebook/running-cells.ts';
import { widgetPlugins } from './notebook/widgets.ts';
import { connectionLostPlugin } from './shell/connection-lost.ts';
import { fileLinksPlugin } from './shell/file-links.ts';
import { openingPlugin } from './shell/opening.ts';
import { pageStatePlugin, windowNamePlugin } from './shell/page-state.ts';
import './styles.ts';

/** Our plugins and JupyterLab's, in one registry, because the services are needed before the application exists. */
async function start(): Promise<void> {
  leaveExecutionStateToServer();
  leaveFirstCellToServer();
  followSharedOutputs();
  renderOutputsWithTheirCell();
  renderBetweenKeys();
  const registry = new PluginRegistry<JupyterLab>();
  registry.registerPlugins([
    ...jupyterPlugins,
    ...collaborationPlugins,
    ...servicePlugins,
    liveNotebooksPlugin,
    liveContentsPlugin,
    savingsPlugin,
    environmentCommandsPlugin,
    headerPlugin,
    usageStatusPlugin,
    executorPlugin,
    kernelDeathsPlugin,
    kernelFollowingPlugin,
    readOnlyPlugin,
    runningCellsPlugin,
    ...widgetPlugins,
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
