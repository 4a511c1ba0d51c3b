/**
 * The real control plane on what populate.ts wrote, with machines in memory. Each SIGUSR2 is one look at all machines,
 * and what it took is printed. Argument: the socket on which the agents of all of them answer.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { readConfig } from '../../server/config.ts';
import { createFilesystemObjectStore } from '../../server/drivers/filesystem/object-store.ts';
import { createMemoryDriver } from '../../server/drivers/memory/memory-driver.ts';
import { systemClock as clock } from '../../server/plumbing/clock.ts';
import { createLog } from '../../server/plumbing/log.ts';
import { startServer } from '../../server/server.ts';
import { accountIdOf, everyMember, machineOf, people } from './population.ts';

const [socketPath = ''] = process.argv.slice(2);
const config = readConfig();
const memory = createMemoryDriver({ clock });
for (const member of everyMember()) {
  const machine = machineOf(member);
  await memory.disks.create({ id: member.diskId, sizeBytes: 50 * 2 ** 30 });
  await memory.compute.create(machine);
  if (member.status !== 'Stopped') await memory.compute.start(machine);
  if (member.status === 'Asleep') await memory.compute.sleep(member.id);
  memory.control.setAddress(member.id, { socketPath });
}

const { context, stop } = await startServer({
  config,
  log: createLog({ level: config.logLevel }),
  drivers: {
    compute: memory.compute,
    disks: memory.disks,
    objects: createFilesystemObjectStore({ directory: path.join(config.dataDirectory, 'buckets'), clock }),
  },
});
const tokens: Record<string, string> = {};
for (let person = 0; person < people; person += 10) {
  const { secret } = await context.accounts.createToken(accountIdOf(person), 'bench');
  tokens[String(person)] = secret;
}
writeFileSync(path.join(config.dataDirectory, 'tokens.json'), JSON.stringify(tokens), { mode: 0o600 });

process.on('SIGUSR2', () => {
  const startedAt = performance.now();
  context.watch.sweep().then(
    (round) => {
      process.stdout.write(`${JSON.stringify({ sweepMs: performance.now() - startedAt, ...round })}\n`);
    },
    (error: unknown) => {
      process.stdout.write(`${String(error)}\n`);
    },
  );
});
process.once('SIGTERM', () => {
  stop().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
