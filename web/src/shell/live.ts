import { ChangeEvent, endpoints } from '@terrarium/contract';
import type { QueryClient, QueryKey } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';

/** Queries to read again when a thing of that kind changed, by the first part of their key. */
const affected: Record<ChangeEvent['kind'], readonly string[]> = {
  environment: ['environments', 'disks', 'kernels'],
  disk: ['disks', 'environments'],
  workspace: ['workspaces', 'billing-projects'],
  'billing-project': ['billing-projects', 'spend'],
  notebook: ['notebooks', 'objects', 'playgrounds'],
  object: ['objects', 'notebooks'],
  mirror: ['mirror'],
};

let isConnected = true;
const listeners = new Set<() => void>();
function setConnected(next: boolean): void {
  if (isConnected === next) return;
  isConnected = next;
  for (const listener of listeners) listener();
}

/** Whether the server has been heard of lately; false shows the banner. */
export function useIsConnected(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => isConnected,
  );
}

/**
 * Marks what is below `queryKey` as stale, so that what is on screen is read again. A first reading that is under way
 * is not begun anew by that, and may be older than the change: it is read once more when it is in.
 */
export function readAgain(queryClient: QueryClient, queryKey: QueryKey): void {
  for (const query of queryClient.getQueryCache().findAll({ queryKey, fetchStatus: 'fetching' })) {
    if (query.state.data !== undefined) continue;
    const again = () => queryClient.invalidateQueries({ queryKey: query.queryKey, exact: true });
    void query.fetch().then(again, again);
  }
  void queryClient.invalidateQueries({ queryKey });
}

const graceMs = 2000;
const retryMs = 3000;

/**
 * Listens to what changes on the server and marks what it makes stale. One stream for the whole app.
 * @returns stops listening
 */
export function startLiveUpdates(queryClient: QueryClient): () => void {
  let source: EventSource | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let grace: ReturnType<typeof setTimeout> | undefined;
  // What the page read before the stream began may have changed in between.
  let hasMissedEvents = true;

  function receive(message: MessageEvent<string>): void {
    const event = ChangeEvent.safeParse(parseJson(message.data));
    if (!event.success) return;
    for (const key of affected[event.data.kind]) readAgain(queryClient, [key]);
  }

  function connect(): void {
    source = new EventSource(endpoints.streamEvents.path);
    source.addEventListener('open', () => {
      clearTimeout(grace);
      grace = undefined;
      setConnected(true);
      // What changed while the stream was down may be further back than the server remembers.
      if (hasMissedEvents) readAgain(queryClient, []);
      hasMissedEvents = false;
    });
    source.addEventListener('message', receive);
    source.addEventListener('change', receive);
    // Sent when the server cannot say what was missed.
    source.addEventListener('reset', () => readAgain(queryClient, []));
    source.addEventListener('error', () => {
      hasMissedEvents = true;
      grace ??= setTimeout(() => setConnected(false), graceMs);
      // A browser reconnects by itself after a cut, but gives up after an answer that is not a stream.
      if (source?.readyState === EventSource.CLOSED) {
        clearTimeout(retry);
        retry = setTimeout(connect, retryMs);
        void queryClient.invalidateQueries({ queryKey: ['session'] });
      }
    });
  }

  connect();
  return () => {
    clearTimeout(retry);
    clearTimeout(grace);
    source?.close();
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
