import { pino, type Logger } from 'pino';

export type Log = Logger;

/** One JSON line an event. Tokens and cookies never reach a log: these paths are removed wherever they occur. */
export function createLog(options: { level: string; destination?: NodeJS.WritableStream }): Log {
  const redact = {
    paths: ['req.headers.authorization', 'req.headers.cookie', '*.secret', '*.token', '*.password', '*.ticket'],
    remove: true,
  };
  const settings = { level: options.level, base: null, redact };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
}
