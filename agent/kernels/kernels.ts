import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { HttpError } from '../http-error.ts';
import { log, messageOf } from '../log.ts';
import {
  buildEnvironment,
  findPython,
  ipythonFolder,
  prepareSitePackages,
  type Python,
  type Variables,
} from './environment.ts';
import { changeBetween, codeToHand, hasStartupFiles } from './handed-variables.ts';
import { expandedEnv } from './kernel-run.ts';
import { Kernel, type KernelSetting } from './kernel.ts';
import { defaultKernelName, findKernelspecs, kernelspecRoots, type Kernelspec } from './kernelspecs.ts';

export interface KernelsOptions {
  readonly home: string;
  readonly stateDirectory: string;
  readonly socketDirectory: string;
  readonly kernelspecDirectories: readonly string[];
  readonly inherited: Readonly<Record<string, string | undefined>>;
  /** What was chosen at the start; `setVariables` changes it. */
  readonly environmentVariables: Variables;
  /** Ours, which nobody can choose. */
  readonly fixedVariables: Variables;
  readonly warmKernel: string | null;
  readonly claimMemoryKill: KernelSetting['claimMemoryKill'];
}

/** So that warming the next kernel does not compete with the cell that the claimed one is about to run. */
const warmAgainMs = 4000;
const handWithinMs = 5000;
/** It names a folder of the journal, and a part of addresses. */
const possibleId = /^[\w-]{1,100}$/;

/** All kernels of the environment, and the one that is kept warm. */
export class Kernels {
  readonly #options: KernelsOptions;
  readonly #kernels = new Map<string, Kernel>();
  #warm: Kernel | null = null;
  #warmTimer: NodeJS.Timeout | null = null;
  #isClosing = false;
  #variables: Variables;
  /** Counts changes of the variables: a kernel that was being made meanwhile has the old ones. */
  #variablesVersion = 0;
  /** Settles when the warm kernel has been given variables; whoever wants that kernel waits. */
  #handing: Promise<unknown> = Promise.resolve();
  #changing: Promise<void> = Promise.resolve();

  constructor(options: KernelsOptions) {
    this.#options = options;
    this.#variables = options.environmentVariables;
  }

  specs(): Promise<Map<string, Kernelspec>> {
    const { kernelspecDirectories: first, home, inherited } = this.#options;
    return findKernelspecs(kernelspecRoots({ first, home, inherited }));
  }

  async defaultName(): Promise<string> {
    return defaultKernelName(await this.specs(), this.#options.warmKernel);
  }

  list(): Kernel[] {
    return [...this.#kernels.values()];
  }

  find(id: string): Kernel | undefined {
    return this.#kernels.get(id);
  }

  /** @throws HttpError 404 */
  get(id: string): Kernel {
    const kernel = this.#kernels.get(id);
    if (kernel === undefined) throw new HttpError(404, `Kernel does not exist: ${id}`);
    return kernel;
  }

  /** Whether the kernel that is kept warm answers; true where none is. */
  get isWarm(): boolean {
    return this.#options.warmKernel === null || this.#warm?.isReady === true;
  }

  /** The process of the kernel that nobody has claimed yet. */
  unclaimedProcesses(): number[] {
    const pid = this.#warm?.pid ?? null;
    return pid === null ? [] : [pid];
  }

  /**
   * Starts a kernel, or hands out the warm one. Resolves once its process runs; messages to it wait until it answers.
   * @param options.id  what it is called, where a client chose that
   * @param options.folder  where it works, relative to home; the nearest folder above it where that is none
   * @throws HttpError 400 for an impossible id, 404 for an unknown name, 409 for an id in use, 500 when its program cannot be started
   */
  async start(options: {
    name: string | null;
    folder: string;
    label: string | null;
    id?: string | null;
  }): Promise<Kernel> {
    if (this.#isClosing) throw new HttpError(503, 'The environment is stopping.');
    const chosenId = options.id ?? null;
    if (chosenId !== null && !possibleId.test(chosenId)) {
      throw new HttpError(400, 'The id of a kernel has letters, digits, dashes and underscores, at most 100.');
    }
    if (chosenId !== null && this.#kernels.has(chosenId)) {
      throw new HttpError(409, `There is a kernel with the id ${chosenId} already.`);
    }
    const specs = await this.specs();
    const name = options.name ?? defaultKernelName(specs, this.#options.warmKernel);
    // Jupyter's clients mean any Python by "python".
    const spec = specs.get(name.toLowerCase()) ?? (name === 'python' ? specs.get('python3') : undefined);
    if (spec === undefined) throw new HttpError(404, `No such kernel named ${name}`);
    const cwd = await this.#workingDirectory(options.folder);
    const warm = chosenId === null ? await this.#claimWarm(spec, cwd, options.label) : null;
    const kernel = warm ?? (await this.#make(spec, cwd, options.label, chosenId));
    kernel.label = options.label;
    this.#kernels.set(kernel.id, kernel);
    kernel.once('gone', () => {
      this.#kernels.delete(kernel.id);
      kernel.shutdown().catch((error: unknown) => {
        log('warn', 'a dead kernel was not cleaned up', { kernel: kernel.id, cause: messageOf(error) });
      });
    });
    return kernel;
  }

  async remove(id: string): Promise<void> {
    const kernel = this.get(id);
    this.#kernels.delete(id);
    kernel.emit('gone');
    await kernel.shutdown();
  }

  /** Starts the warm kernel ahead of need; failing is no error, the next start just takes longer. */
  async warm(): Promise<void> {
    const name = this.#options.warmKernel;
    if (name === null || this.#warm !== null || this.#isClosing) return;
    try {
      const spec = (await this.specs()).get(name);
      if (spec === undefined) return;
      const version = this.#variablesVersion;
      const kernel = await this.#make(spec, this.#options.home, null);
      if (this.#isClosing || version !== this.#variablesVersion) {
        await kernel.shutdown();
        await this.warm();
        return;
      }
      this.#warm = kernel;
      kernel.once('gone', () => {
        if (this.#warm === kernel) this.#warm = null;
      });
    } catch (error) {
      log('warn', 'no kernel could be kept warm', { name, cause: messageOf(error) });
    }
  }

  /** For what starts from now on; kernels that run keep theirs. The warm one is given them, or made anew. */
  setVariables(variables: Variables): Promise<void> {
    const changed = this.#changing.then(() => this.#changeVariables(variables));
    this.#changing = changed.catch(() => undefined);
    return changed;
  }

  async #changeVariables(variables: Variables): Promise<void> {
    if (isDeepStrictEqual(this.#variables, variables)) return;
    const before = this.#variables;
    this.#variables = variables;
    this.#variablesVersion += 1;
    const warm = this.#warm;
    if (warm === null) return;
    const handed = this.#hand(warm, before).catch(() => false);
    const dropped = handed.then((isHanded) => {
      // One that somebody took meanwhile is theirs.
      if (isHanded || this.#warm !== warm) return false;
      this.#warm = null;
      return true;
    });
    this.#handing = dropped;
    if (!(await dropped)) return;
    await warm.shutdown();
    await this.warm();
  }

  /** Gives the warm kernel the variables of now in place of those from before. @returns false where it has to start with them */
  async #hand(warm: Kernel, before: Variables): Promise<boolean> {
    if (!warm.isReady) return false;
    const python = await this.#pythonOf(warm.spec);
    if (await hasStartupFiles(this.#options.home, python)) return false;
    const environmentWith = (variables: Variables): Variables => {
      const environment = this.#environment(python, variables);
      return { ...environment, ...expandedEnv(warm.spec.env, environment) };
    };
    const change = changeBetween(environmentWith(before), environmentWith(this.#variables));
    const code = codeToHand(warm.spec.language, change);
    if (code === null || this.#warm !== warm) return false;
    return Promise.race([warm.prepare(code), delay(handWithinMs, false, { ref: false })]);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#warmTimer !== null) clearTimeout(this.#warmTimer);
    const all = [...this.#kernels.values(), ...(this.#warm === null ? [] : [this.#warm])];
    this.#warm = null;
    await Promise.all(all.map((kernel) => kernel.shutdown()));
  }

  /** The environment of terminals: that of the python3 kernel where there is one. */
  async terminalEnvironment(): Promise<Record<string, string>> {
    const spec = (await this.specs()).get('python3');
    return this.#environment(spec === undefined ? null : await this.#pythonOf(spec));
  }

  async #claimWarm(spec: Kernelspec, cwd: string, label: string | null): Promise<Kernel | null> {
    await this.#handing;
    const warm = this.#warm;
    if (warm === null || warm.executionState === 'dead') return null;
    if (JSON.stringify(warm.spec) !== JSON.stringify(spec)) return null;
    const code = moveCode(spec.language, cwd, label);
    if (code === null && cwd !== warm.cwd) return null;
    this.#warm = null;
    this.#warmTimer = setTimeout(() => void this.warm(), warmAgainMs).unref();
    if (code !== null) warm.moveTo(cwd, code);
    return warm;
  }

  async #make(spec: Kernelspec, cwd: string, label: string | null, id: string | null = null): Promise<Kernel> {
    const python = await this.#pythonOf(spec);
    const ipython = python === null ? null : await ipythonFolder(this.#options.home, this.#options.stateDirectory);
    const env = (): Record<string, string> => ({
      ...(ipython === null ? {} : { IPYTHONDIR: ipython }),
      ...this.#environment(python),
      ...(label === null ? {} : { JPY_SESSION_NAME: label }),
      // ipykernel ends itself when its parent is process 1, and ours may be.
      ...(process.pid === 1 ? {} : { JPY_PARENT_PID: String(process.pid) }),
    });
    const { stateDirectory, socketDirectory, claimMemoryKill } = this.#options;
    const kernel = new Kernel({
      ...(id === null ? {} : { id }),
      spec,
      env,
      cwd,
      stateDirectory,
      socketDirectory,
      claimMemoryKill,
    });
    await kernel.start();
    return kernel;
  }

  async #pythonOf(spec: Kernelspec): Promise<Python | null> {
    if (spec.language !== 'python') return null;
    const searchPath = this.#variables['PATH'] ?? this.#options.inherited['PATH'] ?? '';
    const python = await findPython(spec.argv[0] ?? '', searchPath);
    if (python !== null) await prepareSitePackages(this.#options.home, python);
    return python;
  }

  #environment(python: Python | null, variables: Variables = this.#variables): Record<string, string> {
    const { inherited, home, fixedVariables } = this.#options;
    return buildEnvironment({ inherited, home, chosen: { ...variables, ...fixedVariables }, python });
  }

  async #workingDirectory(folder: string): Promise<string> {
    const { home } = this.#options;
    if (folder.split('/').includes('..') || folder.includes('\0')) return home;
    let wanted = path.join(home, folder);
    // The folder of a notebook that is new in the bucket: the mirror is about to make it.
    if (/^notebooks(\/[^./][^/]*)*$/.test(folder)) await mkdir(wanted, { recursive: true }).catch(() => undefined);
    // A playground's folder is on no disk: the nearest that is here will do, as in jupyter_server's cwd_for_path.
    while (wanted.length > home.length && !(await isFolder(wanted))) wanted = path.dirname(wanted);
    return wanted;
  }
}

async function isFolder(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Code that moves a running kernel to a folder, or null for a language we cannot say that in. */
function moveCode(language: string, folder: string, label: string | null): string | null {
  if (language === 'python') {
    const name = label === null ? '' : `\n__import__('os').environ['JPY_SESSION_NAME'] = ${JSON.stringify(label)}`;
    return `__import__('os').chdir(${JSON.stringify(folder)})${name}`;
  }
  return language === 'R' ? `setwd(${JSON.stringify(folder)})` : null;
}
