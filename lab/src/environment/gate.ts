import { AppError, transitional, type Environment } from '@terrarium/contract';
import { Token } from '@lumino/coreutils';
import { workspace } from '../workspace.ts';
import type { EnvironmentWatch } from './environment-watch.ts';
import { confirmStart, explainFailedStart, explainNoCompute } from './start-dialog.tsx';

export const IEnvironmentGate = new Token<EnvironmentGate>(
  'terrarium:IEnvironmentGate',
  'Whatever needs the environment passes here first; it is started after its price was shown.',
);

/**
 * The one way to a running environment. However many cells, consoles and terminals ask at once, a person is asked once
 * and the environment is started once.
 */
export class EnvironmentGate {
  readonly #watch: EnvironmentWatch;
  #passing: Promise<boolean> | undefined;

  constructor(watch: EnvironmentWatch) {
    this.#watch = watch;
  }

  /**
   * Resolves to true once the environment runs, and to false when the person decided against it or gave up on it.
   * @param purpose  the words on the button that starts it
   */
  pass(purpose: string): Promise<boolean> {
    if (this.#watch.isRunning) return Promise.resolve(true);
    this.#passing ??= this.#pass(purpose).finally(() => {
      this.#passing = undefined;
    });
    return this.#passing;
  }

  /**
   * The same for whoever was told by the server that the environment does not run, whatever is known of it here.
   * @param purpose  the words on the button that starts it
   */
  async start(purpose: string): Promise<boolean> {
    await this.#watch.refresh();
    return this.pass(purpose);
  }

  async #pass(purpose: string): Promise<boolean> {
    const environment = await this.#watch.known();
    if (this.#watch.isRunning) return true;
    if (!workspace.canCompute) {
      await explainNoCompute();
      return false;
    }
    const isComing = environment !== null && ['Creating', 'Starting', 'Updating'].includes(environment.status);
    // Waking takes no time and ends nothing: nobody is asked.
    const isAsleep = environment?.status === 'Asleep';
    if (!isComing && !isAsleep && !(await confirmStart(environment, purpose))) return false;
    for (let isFirst = true; ; isFirst = false) {
      const problem = await this.#startOnce(isFirst && isComing).catch(describe);
      if (problem === undefined) return true;
      if (!(await explainFailedStart(problem))) return false;
    }
  }

  /** @returns why it did not come to run, or undefined when it does */
  async #startOnce(isComing: boolean): Promise<string | undefined> {
    if (!isComing) {
      // A start is refused while a pause or delete is still on its way.
      await this.#watch.until(() => !isLeaving(this.#watch.environment));
      if (this.#watch.isRunning) return undefined;
      await this.#watch.start();
    }
    await this.#watch.until(() => !isMoving(this.#watch.environment));
    if (this.#watch.isRunning) return undefined;
    return this.#watch.environment?.reason ?? 'It stopped again before it was ready.';
  }
}

function isMoving(environment: Environment | null | undefined): boolean {
  return environment !== null && environment !== undefined && transitional.has(environment.status);
}

function isLeaving(environment: Environment | null | undefined): boolean {
  return environment?.status === 'Stopping' || environment?.status === 'Deleting';
}

function describe(error: unknown): string {
  return error instanceof AppError ? error.message : `It could not be started: ${String(error)}`;
}
