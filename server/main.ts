import { ConfigError, readConfig, type Config } from './config.ts';
import { createLog } from './plumbing/log.ts';
import { startServer } from './server.ts';
import { startProblem } from './start-problem.ts';

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
  process.stderr.write(`${startProblem(error, config)}\n`);
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
