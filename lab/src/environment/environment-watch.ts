import { ChangeEvent, hasProcesses, type Environment } from '@terrarium/contract';
import { Token } from '@lumino/coreutils';
import { type ISignal, Signal } from '@lumino/signaling';
import {
  eventsUrl,
  fetchEnvironment,
  keepEnvironmentRunning,
  pauseEnvironment,
  sleepEnvironment,
  startEnvironment,
} from './requests.ts';

/** Pushed changes make it live; it is read unasked only while the server is away, and now and then in case pushes are. */
const readAgainMs = { away: 1_000, otherwise: 30_000 };
const listenAgainMs = 5_000;

export const IEnvironmentWatch = new Token<EnvironmentWatch>(
  'terrarium:IEnvironmentWatch',
  'The environment of this person in this workspace, kept up to date.',
);

/**
 * The environment of this person in this workspace, kept up to date from the server's events.
 *
 * INVARIANTS: one fetch is in flight at a time; a change that arrives meanwhile causes exactly one more, so the last
 * state shown is never older than the last event.
 */
export class EnvironmentWatch {
  /** Undefined until it was read for the first time. */
  #environment: Environment | null | undefined;
  #isReachable = true;
  #hasListened = false;
  #fetching: Promise<void> | undefined;
  #isStale = false;
  #timer: number | undefined;
  readonly #changed = new Signal<this, void>(this);
  readonly #reconnected = new Signal<this, void>(this);

  constructor() {
    this.#listen();
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) void this.refresh();
    });
    void this.refresh();
  }

  #listen(): void {
    const events = new EventSource(eventsUrl());
    events.addEventListener('change', (event) => {
      const change = ChangeEvent.safeParse(parseJson(event.data));
      if (!change.success || change.data.kind === 'environment') void this.refresh();
    });
    // After a cut, whatever happened in between was missed.
    events.addEventListener('open', () => {
      if (this.#hasListened) this.#reconnected.emit();
      this.#hasListened = true;
      void this.refresh();
    });
    // The browser tries again by itself after a cut, but not after an answer that is no stream.
    events.addEventListener('error', () => {
      if (events.readyState === EventSource.CLOSED) window.setTimeout(() => this.#listen(), listenAgainMs);
    });
  }

  get environment(): Environment | null | undefined {
    return this.#environment;
  }

  get isRunning(): boolean {
    return this.#environment?.status === 'Running';
  }

  /** Whether kernels are kept in memory: it runs, sleeps, or is just being woken. */
  get holdsKernels(): boolean {
    const status = this.#environment?.status;
    if (status !== undefined && hasProcesses(status)) return true;
    return status === 'Starting' && this.#environment?.operations.at(-1)?.kind === 'wake';
  }

  /** False while the server cannot be reached; what is shown may be out of date. */
  get isReachable(): boolean {
    return this.#isReachable;
  }

  get changed(): ISignal<this, void> {
    return this.#changed;
  }

  /** The server answers again after it could not be reached. */
  get reconnected(): ISignal<this, void> {
    return this.#reconnected;
  }

  /** Resolves once the environment was read at least once. */
  async known(): Promise<Environment | null> {
    await this.until(() => this.#environment !== undefined);
    return this.#environment ?? null;
  }

  async start(): Promise<void> {
    this.#accept(await startEnvironment());
  }

  async pause(when: 'now' | 'idle'): Promise<void> {
    this.#accept(await pauseEnvironment(when));
  }

  async sleep(): Promise<void> {
    this.#accept(await sleepEnvironment());
  }

  async keepRunning(until: string | null): Promise<void> {
    this.#accept(await keepEnvironmentRunning(until));
  }

  /** Reads the environment again. Never throws: a failure shows in `isReachable`. */
  refresh(): Promise<void> {
    this.#isStale = true;
    this.#fetching ??= this.#fetchUntilFresh().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  /** Resolves when `condition` holds, checked now and after every change. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return;
        this.#changed.disconnect(check);
        resolve();
      };
      this.#changed.connect(check);
    });
  }

  async #fetchUntilFresh(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false;
      try {
        this.#accept(await fetchEnvironment());
      } catch {
        this.#isReachable = false;
        this.#changed.emit();
        this.#schedule();
      }
    }
  }

  #accept(environment: Environment | null): void {
    this.#environment = environment?.status === 'Deleted' ? null : environment;
    this.#isReachable = true;
    this.#changed.emit();
    this.#schedule();
  }

  #schedule(): void {
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(
      () => {
        if (document.hidden && this.#isReachable) this.#schedule();
        else void this.refresh();
      },
      this.#isReachable ? readAgainMs.otherwise : readAgainMs.away,
    );
  }
}

function parseJson(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}
