import { AppError } from '@terrarium/contract';
import { useEffect, useRef, useState } from 'react';
import { messageOf } from '../api.ts';

export type UploadState =
  | { kind: 'waiting' }
  | { kind: 'sending'; sentBytes: number }
  | { kind: 'done' }
  /** Something of that name is there already: replace it, or leave it. */
  | { kind: 'exists' }
  | { kind: 'failed'; message: string; canRetry: boolean };

export interface Upload {
  readonly id: number;
  readonly file: File;
  readonly state: UploadState;
}

export interface Uploads {
  readonly items: readonly Upload[];
  add(files: readonly File[]): void;
  replace(upload: Upload): void;
  retry(upload: Upload): void;
  /** Stops it if it is on its way, and takes it off the list. */
  dismiss(upload: Upload): void;
  clearDone(): void;
}

interface UploadTarget {
  /** Why the file is refused before anything is sent, or undefined. */
  check: (file: File) => Promise<string | undefined> | string | undefined;
  send: (
    file: File,
    options: { overwrite: boolean; signal: AbortSignal; onProgress: (sentBytes: number) => void },
  ) => Promise<void>;
  onStored: () => void;
}

let nextId = 0;

/**
 * Uploads, one after the other, in the order they were added. Where they go is fixed when they are added: `target` may
 * change (another folder is opened) while earlier ones are still on their way. Leaving the page stops them.
 */
export function useUploads(target: UploadTarget): Uploads {
  const [items, setItems] = useState<readonly Upload[]>([]);
  const queue = useRef(Promise.resolve());
  const running = useRef(new Map<number, AbortController>());
  const targets = useRef(new Map<number, UploadTarget>());

  useEffect(() => {
    const controllers = running.current;
    return () => {
      for (const controller of controllers.values()) controller.abort();
    };
  }, []);

  const update = (id: number, state: UploadState): void =>
    setItems((previous) => previous.map((upload) => (upload.id === id ? { ...upload, state } : upload)));

  function enqueue(id: number, file: File, overwrite: boolean): void {
    const to = targets.current.get(id);
    if (to === undefined) return;
    const controller = new AbortController();
    running.current.set(id, controller);
    update(id, { kind: 'waiting' });
    queue.current = queue.current.then(async () => {
      if (controller.signal.aborted) return;
      try {
        const refusal = await to.check(file);
        if (refusal !== undefined) {
          update(id, { kind: 'failed', message: refusal, canRetry: false });
          return;
        }
        update(id, { kind: 'sending', sentBytes: 0 });
        await to.send(file, {
          overwrite,
          signal: controller.signal,
          onProgress: (sentBytes) => update(id, { kind: 'sending', sentBytes }),
        });
        update(id, { kind: 'done' });
        to.onStored();
      } catch (error) {
        if (controller.signal.aborted) return;
        if (error instanceof AppError && error.code === 'PreconditionFailed' && !overwrite)
          update(id, { kind: 'exists' });
        else update(id, { kind: 'failed', message: messageOf(error), canRetry: true });
      } finally {
        running.current.delete(id);
      }
    });
  }

  return {
    items,
    add(files) {
      const added = files.map((file): Upload => ({ id: nextId++, file, state: { kind: 'waiting' } }));
      setItems((previous) => [...previous, ...added]);
      for (const { id, file } of added) {
        targets.current.set(id, target);
        enqueue(id, file, false);
      }
    },
    replace: ({ id, file }) => enqueue(id, file, true),
    retry: ({ id, file }) => enqueue(id, file, false),
    dismiss({ id }) {
      running.current.get(id)?.abort();
      targets.current.delete(id);
      setItems((previous) => previous.filter((upload) => upload.id !== id));
    },
    clearDone: () => setItems((previous) => previous.filter(({ state }) => state.kind !== 'done')),
  };
}
