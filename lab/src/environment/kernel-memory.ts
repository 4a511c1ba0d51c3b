import type { INotebookTracker } from '@jupyterlab/notebook';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Kernel } from '@terrarium/contract';
import type { EnvironmentWatch } from './environment-watch.ts';
import { fetchKernels } from './requests.ts';

/**
 * What the kernel of the notebook in front takes of the memory; read again with every news of the environment, which
 * tells of use every few seconds.
 *
 * INVARIANT: one reading is under way at a time; one that is asked for meanwhile follows it.
 */
export class KernelMemory {
  readonly #watch: EnvironmentWatch;
  readonly #notebooks: INotebookTracker;
  readonly #changed = new Signal<this, void>(this);
  #kernels: readonly Kernel[] = [];
  #isReading = false;
  #isStale = false;

  constructor(watch: EnvironmentWatch, notebooks: INotebookTracker) {
    this.#watch = watch;
    this.#notebooks = notebooks;
    watch.changed.connect(() => void this.#read());
    notebooks.currentChanged.connect(() => void this.#read());
    void this.#read();
  }

  /** Undefined while there is no kernel, or it was not measured. */
  get bytes(): number | undefined {
    const id = this.#notebooks.currentWidget?.sessionContext.session?.kernel?.id;
    return this.#kernels.find((kernel) => kernel.id === id)?.memoryBytes ?? undefined;
  }

  get changed(): ISignal<this, void> {
    return this.#changed;
  }

  async #read(): Promise<void> {
    this.#isStale = true;
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (this.#isStale) {
        this.#isStale = false;
        // A sleeping environment's kernels are as they were; nobody looks at a hidden page.
        if (this.#watch.isRunning && !document.hidden && this.#notebooks.currentWidget !== null)
          this.#kernels = await fetchKernels();
        else if (!this.#watch.holdsKernels) this.#kernels = [];
        this.#changed.emit();
      }
    } catch (error) {
      // Only a figure is missing; the next news of the environment asks again.
      console.warn('The kernels could not be read.', error);
      this.#kernels = [];
    } finally {
      this.#isReading = false;
    }
  }
}
