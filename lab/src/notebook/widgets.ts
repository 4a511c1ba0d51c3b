import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IJupyterWidgetRegistry } from '@jupyter-widgets/base';
import { JUPYTER_CONTROLS_VERSION } from '@jupyter-widgets/controls/lib/version.js';
import { WidgetManager } from '@jupyter-widgets/jupyterlab-manager/lib/manager.js';
import {
  baseWidgetsPlugin,
  managerPlugin,
  outputWidgetPlugin,
} from '@jupyter-widgets/jupyterlab-manager/lib/plugin.js';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';
import { followSharedWidgets } from './output-widgets.ts';
import { showWidgetsOfBusyKernels } from './widget-states.ts';

/** How long an output may be ahead of the kernel's word about the widget that it shows. */
const modelIsComingMs = 5_000;
const lookAgainMs = 100;

type Plugin = JupyterFrontEndPlugin<unknown>;

/** Interactive widgets. Those of a notebook live in its kernel: they come with the connection to it. */
export const widgetPlugins: Plugin[] = [
  withNotebooksOnceTheyHaveKernels(managerPlugin),
  baseWidgetsPlugin,
  {
    id: 'terrarium:control-widgets',
    autoStart: true,
    requires: [IJupyterWidgetRegistry],
    activate: (_: JupyterFrontEnd, registry: IJupyterWidgetRegistry) => {
      registry.registerWidget({
        name: '@jupyter-widgets/controls',
        version: JUPYTER_CONTROLS_VERSION,
        exports: loadControls as () => never, // the registry awaits it, though its type does not say so
      });
    },
  },
  outputWidgetPlugin,
];

/** As in its own plugin, which asks a webpack for the chunk. */
async function loadControls(): Promise<unknown> {
  const controls = await import('@jupyter-widgets/controls');
  // A CommonJS module as a chunk of its own has nothing but a default export.
  return controls.default ?? controls;
}

/** It takes for granted that a notebook that was opened has a kernel. */
function withNotebooksOnceTheyHaveKernels(plugin: Plugin): Plugin {
  return {
    ...plugin,
    activate: (app: JupyterFrontEnd, rendermime: unknown, tracker: INotebookTracker | null, ...others: unknown[]) => {
      waitForModels();
      followSharedWidgets();
      showWidgetsOfBusyKernels();
      return plugin.activate(app, rendermime, tracker && withKernels(tracker), ...others);
    },
  };
}

function withKernels(tracker: INotebookTracker): unknown {
  const source = {};
  const widgetAdded = new Signal<object, NotebookPanel>(source);
  const announced = new WeakSet<NotebookPanel>();
  tracker.widgetAdded.connect((_, panel) => {
    const announce = (): void => {
      if (panel.isDisposed || announced.has(panel) || !panel.sessionContext.session?.kernel) return;
      announced.add(panel);
      widgetAdded.emit(panel);
    };
    panel.sessionContext.kernelChanged.connect(announce);
    announce();
  });
  return { widgetAdded, forEach: () => undefined };
}

/** Outputs come with the document and widgets from the kernel, so an output may be first. */
function waitForModels(): void {
  const getModel = WidgetManager.prototype.get_model;
  WidgetManager.prototype.get_model = async function (this: WidgetManager, modelId) {
    for (const giveUpAt = Date.now() + modelIsComingMs; ;) {
      if (this.has_model(modelId) || !this.restoredStatus || Date.now() > giveUpAt) {
        return getModel.call(this, modelId);
      }
      await new Promise((resolve) => window.setTimeout(resolve, lookAgainMs));
    }
  };
}
