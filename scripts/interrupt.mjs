/**
 * Turns Ctrl-C and its relatives into an AbortSignal.
 * @returns {{ signal: AbortSignal, stopListening: () => void }}
 */
export function listenForInterrupt() {
  const controller = new AbortController();
  const abort = () => controller.abort();
  /** @type {NodeJS.Signals[]} */
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const name of names) process.on(name, abort);
  return {
    signal: controller.signal,
    stopListening() {
      for (const name of names) process.off(name, abort);
    },
  };
}
