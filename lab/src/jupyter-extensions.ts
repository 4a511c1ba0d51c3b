import type { IRouter, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { URLExt } from '@jupyterlab/coreutils';
import type { IDebugger } from '@jupyterlab/debugger';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import application from '@jupyterlab/application-extension';
import apputils from '@jupyterlab/apputils-extension';
import cellToolbar from '@jupyterlab/cell-toolbar-extension';
import cellTags from '@jupyterlab/celltags-extension';
import codemirror from '@jupyterlab/codemirror-extension';
import completer from '@jupyterlab/completer-extension';
import consoles from '@jupyterlab/console-extension';
import csvViewer from '@jupyterlab/csvviewer-extension';
import debug from '@jupyterlab/debugger-extension';
import docmanager from '@jupyterlab/docmanager-extension';
import documentSearch from '@jupyterlab/documentsearch-extension';
import filebrowser from '@jupyterlab/filebrowser-extension';
import fileeditor from '@jupyterlab/fileeditor-extension';
import help from '@jupyterlab/help-extension';
import htmlViewer from '@jupyterlab/htmlviewer-extension';
import imageViewer from '@jupyterlab/imageviewer-extension';
import inspector from '@jupyterlab/inspector-extension';
import javascriptRenderer from '@jupyterlab/javascript-extension';
import jsonRenderer from '@jupyterlab/json-extension';
import launcher from '@jupyterlab/launcher-extension';
import logConsole from '@jupyterlab/logconsole-extension';
import mainMenu from '@jupyterlab/mainmenu-extension';
import markdownViewer from '@jupyterlab/markdownviewer-extension';
import markedParser from '@jupyterlab/markedparser-extension';
import mathjax from '@jupyterlab/mathjax-extension';
import mermaid from '@jupyterlab/mermaid-extension';
import mermaidRenderer from '@jupyterlab/mermaid-extension/lib/mime.js';
import metadataForm from '@jupyterlab/metadataform-extension';
import notebook from '@jupyterlab/notebook-extension';
import pdfRenderer from '@jupyterlab/pdf-extension';
import rendermime from '@jupyterlab/rendermime-extension';
import running from '@jupyterlab/running-extension';
import services from '@jupyterlab/services-extension';
import settingEditor from '@jupyterlab/settingeditor-extension';
import shortcuts from '@jupyterlab/shortcuts-extension';
import statusbar from '@jupyterlab/statusbar-extension';
import terminal from '@jupyterlab/terminal-extension';
import themeDark from '@jupyterlab/theme-dark-extension';
import themeLight from '@jupyterlab/theme-light-extension';
import toc from '@jupyterlab/toc-extension';
import tooltip from '@jupyterlab/tooltip-extension';
import translation from '@jupyterlab/translation-extension';
import uiComponents from '@jupyterlab/ui-components-extension';
import vegaRenderer from '@jupyterlab/vega5-extension';
import { userEditorCursors } from '@jupyter/collaboration-extension/lib/collaboration.js';
import { ynotebook } from '@jupyter/docprovider-extension/lib/filebrowser.js';
import { plotlyRenderer } from './notebook/plotly.ts';

type Plugins = JupyterFrontEndPlugin<unknown>[];

/** Plugins of JupyterLab's own that make no sense here, or that ours replace. */
const replaced: ReadonlySet<string> = new Set([
  // Fetches news from jupyter.org.
  '@jupyterlab/apputils-extension:announcements',
  '@jupyterlab/apputils-extension:licenses-client',
  '@jupyterlab/apputils-extension:licenses-plugin',
  '@jupyterlab/help-extension:licenses-commands',
  '@jupyterlab/help-extension:jupyter-forum',
  // It opens a file browser page; the header takes its place.
  '@jupyterlab/application-extension:logo',
  '@jupyterlab/notebook-extension:cell-executor',
  '@jupyterlab/services-extension:session-manager',
  '@jupyterlab/services-extension:terminal-manager',
  '@jupyterlab/apputils-extension:state',
  '@jupyterlab/apputils-extension:resolver',
  // The header tells how saving stands.
  '@jupyterlab/docmanager-extension:saving-status',
  // No language servers run here.
  '@jupyterlab/fileeditor-extension:language-server',
  '@jupyterlab/notebook-extension:language-server',
]);

const all = [
  // First, because it reads the shortcuts of every other plugin whose settings arrive after its own.
  shortcuts,
  application,
  apputils,
  cellToolbar,
  cellTags,
  codemirror,
  completer,
  consoles,
  csvViewer,
  debug,
  docmanager,
  documentSearch,
  filebrowser,
  fileeditor,
  help,
  htmlViewer,
  imageViewer,
  inspector,
  launcher,
  logConsole,
  mainMenu,
  markdownViewer,
  markedParser,
  mathjax,
  mermaid,
  metadataForm,
  notebook,
  rendermime,
  running,
  services,
  settingEditor,
  statusbar,
  terminal,
  themeDark,
  themeLight,
  toc,
  tooltip,
  translation,
  uiComponents,
] as (Plugins | Plugins[number])[]; // each package types its plugins by the service they provide

/** JupyterLab's own plugins, less those that make no sense here. */
export const jupyterPlugins: Plugins = all
  .flat()
  .filter((plugin) => !replaced.has(plugin.id))
  .map((plugin) => {
    if (plugin.id === '@jupyterlab/debugger-extension:service') return withQuietModules(plugin);
    if (plugin.id === '@jupyterlab/application-extension:router') return withBackLeadingOut(plugin);
    return plugin;
  });

/**
 * Of Jupyter's collaboration: the model of shared notebooks and the cursors of others. Its drive is ours; its timeline,
 * forks, links, menus and panels are about things that the header or the app has; text files are saved as files.
 */
export const collaborationPlugins = [ynotebook, userEditorCursors] as Plugins;

/** After every execution the debugger's service is asked for modules, and throws where nothing is being debugged. */
function withQuietModules(plugin: Plugins[number]): Plugins[number] {
  return {
    ...plugin,
    activate: async (...services) => {
      const service = (await plugin.activate(...services)) as IDebugger;
      const displayModules = service.displayModules.bind(service);
      service.displayModules = () => (service.session === null ? Promise.resolve() : displayModules());
      return service;
    },
  };
}

/**
 * JupyterLab adds to the browser's history whenever another tab of its own comes to the front, opening included; here
 * the address only follows, so that "back" leads to where one came from.
 */
function withBackLeadingOut(plugin: Plugins[number]): Plugins[number] {
  return {
    ...plugin,
    activate: async (...services) => {
      const router = (await plugin.activate(...services)) as IRouter;
      const navigate = router.navigate.bind(router);
      router.navigate = (path, options) => {
        if (options?.skipRouting !== true || options.hard === true) navigate(path, options);
        else
          history.replaceState(history.state, '', path.startsWith(router.base) ? path : URLExt.join(router.base, path));
      };
      return router;
    },
  };
}

/** JupyterLab's own renderers of output types. */
export const jupyterRenderers: IRenderMime.IExtensionModule[] = [
  javascriptRenderer,
  jsonRenderer,
  mermaidRenderer,
  pdfRenderer,
  plotlyRenderer,
  vegaRenderer,
  // Without the mark of a module, JupyterLab takes the object for the renderer itself.
].map((renderer) => ({ __esModule: true, default: renderer as IRenderMime.IExtension }));
