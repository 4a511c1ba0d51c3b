import { WidgetManager } from '@jupyter-widgets/jupyterlab-manager/lib/manager.js';
import { OutputModel } from '@jupyter-widgets/jupyterlab-manager/lib/output.js';
import type { YNotebook } from '@jupyter/ydoc';
import * as Y from 'yjs';
import { isLive } from '../documents/live-model.ts';
import { followOutputs, followSoon, forgetShown } from './live-outputs.ts';

/** Those that are being told what they show already. */
const showing = new WeakSet<OutputModel>();

/**
 * Makes Output widgets of live notebooks show what the server moves into them: the outputs of cells that it runs. Those
 * of what this window asks the kernel for, as by a click on a button, are moved here, and reach the others by the kernel.
 * Call it once, before any notebook is opened.
 */
export function followSharedWidgets(): void {
  const { initialize, setOutputs } = OutputModel.prototype;
  OutputModel.prototype.setOutputs = function (this: OutputModel, ...change: Parameters<typeof setOutputs>) {
    if (showing.has(this)) return;
    forgetShown(this.outputs);
    setOutputs.apply(this, change);
  };
  OutputModel.prototype.initialize = function (this: OutputModel, ...about: Parameters<typeof initialize>) {
    initialize.apply(this, about);
    const manager: unknown = this.widget_manager;
    if (!(manager instanceof WidgetManager)) return;
    const notebook = manager.context.model.sharedModel as unknown as YNotebook; // as any document of the notebook's kind
    if (isLive(notebook)) follow(this, notebook.ydoc.getMap<unknown>('widgets'));
  };
}

function follow(model: OutputModel, widgets: Y.Map<unknown>): void {
  const id = model.model_id;
  const show = (): void => {
    const outputs = sharedOutputs(widgets.get(id));
    if (outputs === undefined) return;
    followOutputs(model.outputs, outputs.toArray());
    showing.add(model);
    // As if the kernel had said it, so that it is not sent there.
    model.set_state({ outputs: outputs.toJSON() });
    showing.delete(model);
  };
  /** The document was last ahead of the kernel, and of what this window has of it. */
  let isBehind = false;
  const look = (isChanged: boolean): void => {
    const widget = widgets.get(id);
    const wasBehind = isBehind;
    isBehind = widget instanceof Y.Map && widget.get('isAhead') === true;
    if (isChanged && (isBehind || wasBehind)) followSoon(model, show);
  };
  const observe = (events: Y.YEvent<Y.AbstractType<unknown>>[]): void => {
    const about = events.filter(({ path, keys }) => path[0] === id || (path.length === 0 && keys.has(id)));
    if (about.length === 0) return;
    look(about.some(({ path, keys }) => path.length === 0 || path[1] === 'outputs' || keys.has('outputs')));
  };
  widgets.observeDeep(observe);
  model.once('destroy comm:close', () => widgets.unobserveDeep(observe));
  look(true);
}

function sharedOutputs(widget: unknown): Y.Array<Y.Map<unknown>> | undefined {
  const outputs: unknown = widget instanceof Y.Map ? widget.get('outputs') : undefined;
  // As the server writes them.
  return outputs instanceof Y.Array ? (outputs as Y.Array<Y.Map<unknown>>) : undefined;
}
