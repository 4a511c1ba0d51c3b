type Level = 'info' | 'warn' | 'error';

/** One JSON line an event on stderr, which the driver keeps as the machine's log. Never secrets, never notebook contents. */
export function log(level: Level, message: string, facts: Record<string, unknown> = {}): void {
  process.stderr.write(`${JSON.stringify({ level, time: new Date().toISOString(), message, ...facts })}\n`);
}

/** What an unknown thrown value says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The errno name (`ENOENT`) of a failed system call, or null for any other failure. */
export function errnoOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
