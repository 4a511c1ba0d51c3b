import { AppError } from '@terrarium/contract';
import { ConfigError, readConfig, type Config } from './config.ts';
import { createLog } from './plumbing/log.ts';
import { startServer } from './server.ts';

const sameSignalMs = 1_000;
const config = configOrExit();
const log = createLog({ level: config.logLevel });

try {
  const server = await startServer({ config, log });
  process.stdout.write(`Terrarium is ready: ${server.signInUrl}\n`);

  let stoppingSince: number | undefined;
  const stop = (): void => {
    // A second Ctrl-C does not wait; the same one may come twice, from the terminal and from npm.
    if (stoppingSince !== undefined) {
      if (performance.now() - stoppingSince > sameSignalMs) process.exit(1);
      return;
    }
    stoppingSince = performance.now();
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'could not stop cleanly');
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
} catch (error) {
  process.stderr.write(`${startProblem(error)}\n`);
  process.exit(1);
}

function configOrExit(): Config {
  try {
    return readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}

/** Why it could not start, with the next step. */
function startProblem(error: unknown): string {
  if (error instanceof AppError) return error.message;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const port = String(config.port);
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} is in use by another program. Stop that program, or choose another port: TERRARIUM_PORT=4281 npm start`;
    case 'EACCES':
      return `Terrarium may not use port ${port} or the folder ${config.dataDirectory}. Choose others with TERRARIUM_PORT and TERRARIUM_DATA.`;
    case 'ENOSPC':
      return `The disk that holds ${config.dataDirectory} is full. Free some space, or choose another folder with TERRARIUM_DATA.`;
    case 'EROFS':
      return `The folder ${config.dataDirectory} cannot be written to. Choose another with TERRARIUM_DATA.`;
    default:
      return `Terrarium could not start. ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
}
