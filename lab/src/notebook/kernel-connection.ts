import type { ISessionContext, ISessionContextDialogs } from '@jupyterlab/apputils';
import type { INotebookModel } from '@jupyterlab/notebook';
import type { Session } from '@jupyterlab/services';

const underWay = new WeakMap<ISessionContext, Promise<boolean>>();

/**
 * Connects a notebook to its kernel: the one that already runs for its path, or a new one of the kind that its metadata
 * names. Call it only while the environment runs.
 * INVARIANT: one connection is made at a time; of two at once the second would end the first one's kernel.
 * @param dialogs  asks for a kernel where the metadata names none that exists; without it nothing is asked
 * @returns whether a kernel is there now
 */
export async function connectKernel(
  context: ISessionContext,
  model: INotebookModel | null,
  dialogs: ISessionContextDialogs | undefined,
): Promise<boolean> {
  const other = underWay.get(context);
  if (other !== undefined && (await other.catch(() => false))) return true;
  const mine = connect(context, model, dialogs).finally(() => underWay.delete(context));
  underWay.set(context, mine);
  return mine;
}

/**
 * Connects a notebook to the kernel that runs for its path, if there is one. Starts none.
 * @returns whether a kernel is there now
 */
export async function connectRunningKernel(context: ISessionContext): Promise<boolean> {
  const other = underWay.get(context);
  if (other !== undefined) return other;
  const mine = adopt(context).finally(() => underWay.delete(context));
  underWay.set(context, mine);
  return mine;
}

async function adopt(context: ISessionContext): Promise<boolean> {
  await context.initialize();
  if (context.isDisposed) return false;
  if (context.session?.kernel || connectToRunning(context)) return true;
  await context.sessionManager.refreshRunning();
  return !context.isDisposed && (Boolean(context.session?.kernel) || connectToRunning(context));
}

async function connect(
  context: ISessionContext,
  model: INotebookModel | null,
  dialogs: ISessionContextDialogs | undefined,
): Promise<boolean> {
  await context.initialize();
  if (context.session?.kernel) return true;
  await context.sessionManager.refreshRunning();
  if (connectToRunning(context)) return true;
  const name = await kernelName(context, model);
  if (name !== undefined) {
    await context.changeKernel({ name });
  } else if (dialogs !== undefined) {
    await dialogs.selectKernel(context);
  }
  return Boolean(context.session?.kernel);
}

function connectToRunning(context: ISessionContext): boolean {
  for (const model of context.sessionManager.running()) {
    if (model.path !== context.path) continue;
    const session = context.sessionManager.connectTo({ model });
    // SessionContext looks for a running session only once, while it initializes, and has no public way to take one later.
    const adopt: unknown = Reflect.get(context, '_handleNewSession');
    if (typeof adopt !== 'function') return false;
    (adopt as (session: Session.ISessionConnection) => void).call(context, session);
    return true;
  }
  return false;
}

/** The kernelspec to start: the one named, or the only one of the notebook's language. */
async function kernelName(context: ISessionContext, model: INotebookModel | null): Promise<string | undefined> {
  // The context learns the notebook's wish some time after its cells can be run; the model knows it from the start.
  const name = model?.defaultKernelName || context.kernelPreference.name;
  const language = model?.defaultKernelLanguage || context.kernelPreference.language;
  let specs = context.specsManager.specs;
  if (specs === null || (name && !specs.kernelspecs[name])) {
    await context.specsManager.refreshSpecs();
    specs = context.specsManager.specs;
  }
  if (specs === null) return undefined;
  if (name && specs.kernelspecs[name]) return name;
  if (!language) return name ? undefined : specs.default;
  const sameLanguage = Object.values(specs.kernelspecs).filter((spec) => spec?.language === language);
  return sameLanguage.length === 1 ? sameLanguage[0]?.name : undefined;
}
