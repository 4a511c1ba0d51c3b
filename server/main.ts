import { ConfigError, readConfig, type Config } from './config.ts';
import { createLog } from './plumbing/log.ts';
import { startServer } from './server.ts';
import { startProblem } from './start-problem.ts';

const config = configOrExit();
const log = createLog({ level: config.logLevel });

try {
  const server = await startServer({ config, log });
  process.stdout.write(`Terrarium is ready: ${server.signInUrl}\n`);

  let isStopping = false;
  const stop = (): void => {
    // A second Ctrl-C does not wait.
    if (isStopping) process.exit(1);
    isStopping = true;
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
