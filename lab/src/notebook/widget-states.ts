import { put_buffers, shims } from '@jupyter-widgets/base';
import { LabWidgetManager } from '@jupyter-widgets/jupyterlab-manager/lib/manager.js';
import { URLExt } from '@jupyterlab/coreutils';
import { type Kernel, ServerConnection } from '@jupyterlab/services';
import * as z from 'zod';

/** How long the kernel may take to tell of its widgets itself. */
const answerMs = 500;
const commTarget = 'jupyter.widget';

const Message = z.object({
  header: z.object({ msg_type: z.string() }),
  content: z.object({
    comm_id: z.string().optional(),
    target_name: z.string().optional(),
    data: z
      .object({
        method: z.string().optional(),
        state: z.record(z.string(), z.unknown()).optional(),
        buffer_paths: z.array(z.array(z.union([z.string(), z.number()]))).optional(),
      })
      .optional(),
  }),
  buffers: z.array(z.string()),
});

type State = Record<string, unknown>;
type LoadFromKernel = (this: LabWidgetManager) => Promise<void>;

/**
 * Shows the widgets of a notebook that is opened while its kernel runs a cell. A kernel answers nothing until the cell has
 * ended; meanwhile the environment's agent knows what it said of its widgets. Call it once, before any notebook is opened.
 */
export function showWidgetsOfBusyKernels(): void {
  // `as` twice: the method is open to subclasses only.
  const internals = LabWidgetManager.prototype as unknown as { _loadFromKernel: LoadFromKernel };
  const { _loadFromKernel } = internals;
  internals._loadFromKernel = async function () {
    const answered = _loadFromKernel.call(this);
    const { kernel } = this;
    const hasAnswered = await Promise.race([answered.then(() => true), later(answerMs).then(() => false)]);
    if (hasAnswered || kernel === null) return;
    const isShown = await showStates(this, kernel).catch((error: unknown) => {
      console.warn('The widgets of a busy kernel could not be asked for.', error);
      return false;
    });
    if (!isShown) return answered;
    // For what changed while they were made. The kernel is free then, and tells of all at once.
    const refresh = (): Promise<void> => _loadFromKernel.call(this);
    answered.then(refresh, refresh).catch((error: unknown) => {
      console.warn('The kernel did not tell of its widgets.', error);
    });
  };
}

/** @returns whether there were any */
async function showStates(manager: LabWidgetManager, kernel: Kernel.IKernelConnection): Promise<boolean> {
  const states = await statesOf(kernel);
  const missing = [...states].filter(([id]) => !manager.has_model(id) && !kernel.hasComm(id));
  const made = missing.map(([id, state]) => {
    const comm = kernel.createComm(commTarget, id);
    return { id, state, comm: new shims.services.Comm(comm) };
  });
  // Each registers itself before it waits for those that it refers to.
  await Promise.all(
    made.map(async ({ id, state, comm }) => {
      const names = {
        model_name: String(state['_model_name']),
        model_module: String(state['_model_module']),
        model_module_version: String(state['_model_module_version']),
      };
      await manager.new_model({ ...names, model_id: id, comm }, state as never).catch((error: unknown) => {
        console.warn('A widget could not be made.', error);
      });
    }),
  );
  return states.size > 0;
}

/** The state of each widget, as the messages of the kernel make it. */
async function statesOf({ id, serverSettings }: Kernel.IKernelConnection): Promise<Map<string, State>> {
  const url = URLExt.join(serverSettings.baseUrl, 'agent/kernels', encodeURIComponent(id), 'journal');
  const response = await ServerConnection.makeRequest(`${url}?only=comms`, {}, serverSettings);
  if (!response.ok) throw await ServerConnection.ResponseError.create(response);
  const states = new Map<string, State>();
  for (const line of (await response.text()).split('\n')) {
    const message = line === '' ? undefined : Message.safeParse(JSON.parse(line)).data;
    if (message === undefined) continue;
    const { header, content, buffers } = message;
    const { comm_id: commId = '', target_name: target, data } = content;
    if (header.msg_type === 'status') states.clear();
    else if (header.msg_type === 'comm_close') states.delete(commId);
    else {
      const before = header.msg_type === 'comm_open' && target === commTarget ? {} : states.get(commId);
      if (before === undefined || data?.state === undefined) continue;
      put_buffers(data.state as never, data.buffer_paths ?? [], buffers.map(bytesOf));
      states.set(commId, Object.assign(before, data.state));
    }
  }
  return states;
}

function bytesOf(base64: string): DataView {
  return new DataView(Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0)).buffer);
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => window.setTimeout(resolve, ms));
}
