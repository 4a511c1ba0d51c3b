import process from 'node:process';
import { startAgent } from './agent.ts';
import { readConfig } from './config.ts';
import { log, messageOf } from './log.ts';

// One request that goes wrong must not take every kernel of the environment with it.
process.on('uncaughtException', (error) => {
  log('error', 'uncaught', { cause: error.stack });
});
process.on('unhandledRejection', (reason) => {
  log('error', 'unhandled', { cause: messageOf(reason) });
});

try {
  const agent = await startAgent({ config: await readConfig(process.argv[2]), inherited: process.env });
  let isEnding = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (isEnding) return;
      isEnding = true;
      agent
        .close()
        .catch((error: unknown) => {
          log('error', 'the agent did not end cleanly', { cause: messageOf(error) });
        })
        .finally(() => process.exit(0));
    });
  }
} catch (error) {
  log('error', 'the agent could not start', { cause: messageOf(error) });
  process.exit(1);
}
