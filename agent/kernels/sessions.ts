import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { HttpError } from '../http-error.ts';
import { isRecord } from '../router.ts';
import type { Kernels } from './kernels.ts';
import { kernelModel } from './model.ts';

/** A notebook, console or file together with the kernel that serves it. */
interface Session {
  readonly id: string;
  path: string;
  name: string;
  type: string;
  kernelId: string;
}

/** Sessions over the kernels; one whose kernel is gone is gone too. */
export class Sessions {
  readonly #kernels: Kernels;
  readonly #sessions = new Map<string, Session>();
  /** Starts under way by path, so that two requests for one path share a kernel. */
  readonly #starting = new Map<string, Promise<Session>>();

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
  }

  list(): Record<string, unknown>[] {
    this.#forgetDead();
    return [...this.#sessions.values()].map((session) => this.#model(session));
  }

  get(id: string): Record<string, unknown> {
    return this.#model(this.#find(id));
  }

  /** The session of this path where there is one, else a new one. @throws HttpError 400, 404, 500 */
  async create(body: Record<string, unknown> | null): Promise<Record<string, unknown>> {
    if (body === null) throw new HttpError(400, 'No JSON data provided');
    const notebook = isRecord(body['notebook']) ? body['notebook'] : {}; // the form of old clients
    const sessionPath = text(body['path']) ?? text(notebook['path']);
    if (sessionPath === null) throw new HttpError(400, 'Missing field in JSON data: path');
    const type = text(body['type']) ?? (body['notebook'] === undefined ? null : 'notebook');
    if (type === null) throw new HttpError(400, 'Missing field in JSON data: type');
    const asked = isRecord(body['kernel']) ? body['kernel'] : {};

    this.#forgetDead();
    const existing = [...this.#sessions.values()].find((session) => session.path === sessionPath);
    if (existing !== undefined) return this.#model(existing);
    const underWay = this.#starting.get(sessionPath);
    if (underWay !== undefined) return this.#model(await underWay);

    const start = this.#kernelFor(asked, sessionPath, type).then((kernelId) => {
      const session = { id: randomUUID(), path: sessionPath, name: text(body['name']) ?? '', type, kernelId };
      this.#sessions.set(session.id, session);
      return session;
    });
    this.#starting.set(sessionPath, start);
    try {
      return this.#model(await start);
    } finally {
      this.#starting.delete(sessionPath);
    }
  }

  /** Renames it, or gives it another kernel; the kernel it had ends. */
  async change(id: string, body: Record<string, unknown> | null): Promise<Record<string, unknown>> {
    const session = this.#find(id);
    if (body === null) throw new HttpError(400, 'No JSON data provided');
    const notebook = isRecord(body['notebook']) ? body['notebook'] : {};
    session.path = text(body['path']) ?? text(notebook['path']) ?? session.path;
    session.name = text(body['name']) ?? text(notebook['name']) ?? session.name;
    session.type = text(body['type']) ?? session.type;
    const asked = isRecord(body['kernel']) ? body['kernel'] : {};
    const before = session.kernelId;
    if (text(asked['id']) !== null || text(asked['name']) !== null) {
      session.kernelId = await this.#kernelFor(asked, session.path, session.type);
    }
    const kernel = this.#kernels.find(session.kernelId);
    if (kernel !== undefined) kernel.label = session.path;
    const model = this.#model(session);
    if (before !== session.kernelId && this.#kernels.find(before) !== undefined) await this.#kernels.remove(before);
    return model;
  }

  async remove(id: string): Promise<void> {
    const session = this.#find(id);
    this.#sessions.delete(id);
    await this.#kernels.remove(session.kernelId);
  }

  async #kernelFor(asked: Record<string, unknown>, sessionPath: string, type: string): Promise<string> {
    const id = text(asked['id']);
    const kernel = id === null ? undefined : this.#kernels.find(id);
    if (kernel !== undefined) {
      kernel.label = sessionPath;
      return kernel.id;
    }
    const name = text(asked['name']);
    // A console's path is made up, but its folder is real, as a notebook's is.
    const folder = type === 'directory' ? sessionPath : path.posix.dirname(sessionPath);
    return (await this.#kernels.start({ name, folder, label: sessionPath, id })).id;
  }

  #find(id: string): Session {
    this.#forgetDead();
    const session = this.#sessions.get(id);
    if (session === undefined) throw new HttpError(404, `Session not found: session_id='${id}'`);
    return session;
  }

  #forgetDead(): void {
    for (const { id, kernelId } of this.#sessions.values()) {
      if (this.#kernels.find(kernelId) === undefined) this.#sessions.delete(id);
    }
  }

  #model(session: Session): Record<string, unknown> {
    const { id, path: sessionPath, name, type, kernelId } = session;
    const kernel = this.#kernels.find(kernelId);
    const model = { id, path: sessionPath, name, type, kernel: kernel === undefined ? null : kernelModel(kernel) };
    return type === 'notebook' ? { ...model, notebook: { path: sessionPath, name } } : model;
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
