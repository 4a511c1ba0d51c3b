import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection, type User } from '@jupyterlab/services';
import type { IDocumentProvider } from '@jupyter/collaborative-drive';
import type { YNotebook } from '@jupyter/ydoc';
import type { IForkProvider } from '@jupyter/docprovider/lib/ydrive.js';
import { type ISignal, Signal } from '@lumino/signaling';
import * as z from 'zod';
import type { RoomMessage } from '../rooms/messages.ts';
import { RoomRefusal, type RoomSession } from '../rooms/connection.ts';
import { Room } from '../rooms/room.ts';
import { canEdit } from '../workspace.ts';
import { leaveToServer } from './live-model.ts';
import { playgroundName } from './live-paths.ts';
import { showWhoIsHere } from './people.ts';

const Session = z.object({ fileId: z.string(), sessionId: z.string() });

const ExecutionOfCell = z.object({
  state: z.enum(['queued', 'running', 'input']),
  run: z.string().nullish(),
  kernel: z.string().nullish(),
  accountId: z.string(),
  by: z.string(),
  queuedAt: z.number(),
  startedAt: z.number().nullish(),
  input: z.object({ prompt: z.string(), password: z.boolean() }).nullish(),
});
/** What a cell that was asked to run is at. Times in epoch ms. */
export type ExecutionOfCell = z.infer<typeof ExecutionOfCell>;

const Trouble = z.object({ what: z.enum(['journal', 'bucket']), reason: z.string() });

/** A notebook as it is held by the server, and this window's way to it. */
export class LiveNotebook implements IDocumentProvider, IForkProvider {
  readonly contentType = 'notebook';
  readonly format = 'json';
  readonly room: Room;
  readonly sharedModel: YNotebook;
  readonly #settings: ServerConnection.ISettings;
  #path: string;
  #readOnlyReason: string | null;
  #storedAt: number | null = null;
  readonly #troubles = new Map<'journal' | 'bucket', string>();
  readonly #changed = new Signal<this, void>(this);
  readonly #moved = new Signal<this, { from: string; to: string }>(this);
  readonly #noticed = new Signal<this, string>(this);
  readonly #forgetPeople: () => void;
  #isDisposed = false;

  constructor(options: {
    path: string;
    sharedModel: YNotebook;
    user: User.IManager;
    settings: ServerConnection.ISettings;
  }) {
    const { path, sharedModel, settings } = options;
    this.#path = path;
    this.#settings = settings;
    this.sharedModel = sharedModel;
    this.#readOnlyReason = canEdit || playgroundName(path) !== undefined ? null : 'You may read this workspace.';
    leaveToServer(sharedModel, () => this.#readOnlyReason !== null);
    this.#forgetPeople = showWhoIsHere(sharedModel.awareness, options.user);
    this.room = new Room({
      doc: sharedModel.ydoc,
      awareness: sharedModel.awareness,
      openSession: () => this.#openSession(),
      socketUrl: ({ fileId, sessionId }) =>
        `${URLExt.join(settings.wsUrl, 'api/collaboration/room', `json:notebook:${fileId}`)}?` +
        new URLSearchParams({ sessionId, terrarium: '1' }).toString(),
      WebSocket: settings.WebSocket,
    });
    this.room.changed.connect(() => this.#changed.emit());
    this.room.received.connect((_, message) => this.#take(message));
    sharedModel.disposed.connect(() => this.dispose());
  }

  get ready(): Promise<void> {
    return this.room.ready;
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  get path(): string {
    return this.#path;
  }

  /** Follows a rename that was made here. */
  set path(path: string) {
    this.#path = path;
  }

  /** Why nothing can be changed here, or null when it can. */
  get readOnlyReason(): string | null {
    return this.#readOnlyReason;
  }

  /** When the bucket last had everything, in epoch ms; null when that is not known. */
  get storedAt(): number | null {
    return this.#storedAt;
  }

  /** Why what was changed is not on the server's disk, or not in the bucket, though it is tried. */
  troubleWith(what: 'journal' | 'bucket'): string | undefined {
    return this.#troubles.get(what);
  }

  /** After each change of how saving stands, of the connection, or of what may be done here. */
  get changed(): ISignal<this, void> {
    return this.#changed;
  }

  /** A sentence from the server about something that people would not expect. */
  get noticed(): ISignal<this, string> {
    return this.#noticed;
  }

  /** The file has another path now. */
  get moved(): ISignal<this, { from: string; to: string }> {
    return this.#moved;
  }

  /** What each cell that was asked to run is at, by the cell's id. */
  execution(cellId: string): ExecutionOfCell | undefined {
    return ExecutionOfCell.safeParse(this.#executions.get(cellId)).data;
  }

  /** Another object whenever the server wrote about the cell again, if only to say the same. */
  executionMark(cellId: string): unknown {
    return this.#executions.get(cellId);
  }

  executions(): ReadonlyMap<string, ExecutionOfCell> {
    const all = new Map<string, ExecutionOfCell>();
    for (const cellId of this.#executions.keys()) {
      const execution = this.execution(cellId);
      if (execution !== undefined) all.set(cellId, execution);
    }
    return all;
  }

  /** Calls `listener` with the ids of the cells whose execution changed. @returns a way to end that */
  onExecution(listener: (cellIds: ReadonlySet<string>) => void): () => void {
    const observe = (event: { keysChanged: Set<string> }): void => listener(event.keysChanged);
    this.#executions.observe(observe);
    return () => this.#executions.unobserve(observe);
  }

  /** Writes it to the bucket now, as a version with a name. @throws Error  with a sentence for the person */
  async checkpoint(name?: string): Promise<void> {
    const answer = await this.room.ask({ type: 'checkpoint', ...(name === undefined ? {} : { name }) });
    const problem = problemOf(answer);
    if (problem !== undefined) throw new Error(problem.message);
  }

  async save(): Promise<void> {
    await this.checkpoint();
  }

  async connectToForkDoc(): Promise<void> {
    throw new Error('Notebooks of a workspace have no forks.');
  }

  async reconnect(): Promise<void> {
    this.room.wake();
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#forgetPeople();
    this.room.dispose();
    Signal.clearData(this);
  }

  get #executions() {
    return this.sharedModel.ydoc.getMap<unknown>('execution');
  }

  async #openSession(): Promise<RoomSession> {
    const url = URLExt.join(this.#settings.baseUrl, 'api/collaboration/session', URLExt.encodeParts(this.#path));
    const response = await ServerConnection.makeRequest(
      url,
      { method: 'PUT', body: JSON.stringify({ format: this.format, type: this.contentType }) },
      this.#settings,
    );
    if (response.ok) return Session.parse(await response.json());
    // It may have been renamed meanwhile: the room knows it by its id.
    if (response.status === 404 && this.room.session !== undefined) return this.room.session;
    const { message } = await ServerConnection.ResponseError.create(response);
    if (response.status === 401) {
      throw new RoomRefusal('You are signed out. Open the workspace again from the app in another tab.', {
        isFinal: false,
      });
    }
    throw new RoomRefusal(message, {
      isFinal: response.status >= 400 && response.status < 500 && response.status !== 429,
    });
  }

  #take(message: RoomMessage): void {
    switch (message.type) {
      case 'stored':
        this.#storedAt = typeof message['at'] === 'number' ? message['at'] : Date.now();
        break;
      case 'trouble': {
        const trouble = Trouble.safeParse(message).data;
        if (trouble !== undefined) this.#troubles.set(trouble.what, trouble.reason);
        break;
      }
      case 'well':
        if (message['what'] === 'journal' || message['what'] === 'bucket') this.#troubles.delete(message['what']);
        break;
      case 'read-only':
        this.#readOnlyReason = typeof message['reason'] === 'string' ? message['reason'] : 'It cannot be changed.';
        break;
      case 'moved': {
        const to = message['path'];
        if (typeof to !== 'string' || to === this.#path) return;
        const from = this.#path;
        this.#path = to;
        this.#moved.emit({ from, to });
        break;
      }
      case 'notice':
        if (typeof message['message'] === 'string') this.#noticed.emit(message['message']);
        return;
      default:
        return;
    }
    this.#changed.emit();
  }
}

/** The error with which the server answered a message of ours, if it did. */
export function problemOf(answer: RoomMessage): { code: string; message: string } | undefined {
  const parsed = z.object({ error: z.object({ code: z.string(), message: z.string() }) }).safeParse(answer);
  return parsed.data?.error;
}
