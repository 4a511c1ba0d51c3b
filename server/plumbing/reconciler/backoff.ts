/** How long to wait before the next try: 0.25 s doubling to 30 s. */
export function retryDelayMs(attempts: number): number {
  return Math.min(30_000, 250 * 2 ** Math.min(attempts, 10));
}
