import { expect, it } from 'vitest';
import { createSandboxDriver } from './sandbox-driver.ts';
import { answers, createTestSandbox, run } from './testing/machines.ts';

const isRoot = process.getuid?.() === 0;

// What is kept between two starts in a folder of the disk, as pip keeps programs.
const install = (text: string): string =>
  `rm -f "$HOME/packages/bin/tqdm"; mkdir -p "$HOME/packages/bin" && echo ${text} > "$HOME/packages/bin/tqdm" && cat "$HOME/packages/bin/tqdm"`;

it.skipIf(!isRoot)('what was written while bubblewrap was away can be changed once it is back', async () => {
  const sandbox = await createTestSandbox({ without: ['images'] });
  try {
    const spec = await sandbox.startNew();
    const bare = createSandboxDriver({ ...sandbox.options, without: ['bubblewrap'] });
    expect(await run(sandbox.compute, spec, 'mkdir "$HOME/packages"')).toMatchObject({ code: 0 });
    for (const [compute, text] of [
      [bare.compute, 'bare'],
      [sandbox.compute, 'confined'],
      [bare.compute, 'bare again'],
      [sandbox.compute, 'confined again'],
    ] as const) {
      await compute.stop(spec.id, { graceMs: 5000 });
      await compute.start(spec);
      await answers(compute, spec);
      expect(await run(compute, spec, install(text))).toEqual({ code: 0, output: text });
    }
    expect(await run(sandbox.compute, spec, 'find "$HOME" /run/terrarium/state ! -user jupyter')).toEqual({
      code: 0,
      output: '',
    });
  } finally {
    await sandbox.dispose();
  }
});

it.skipIf(!isRoot)('a disk that was made while bubblewrap was away can be written to once it is back', async () => {
  const sandbox = await createTestSandbox({ without: ['images'] });
  try {
    const bare = createSandboxDriver({ ...sandbox.options, without: ['bubblewrap'] });
    await bare.disks.create({ id: 'early', sizeBytes: 2 ** 20 });
    const spec = await sandbox.startNew({ diskId: 'early' });
    expect(await run(sandbox.compute, spec, install('confined'))).toEqual({ code: 0, output: 'confined' });
  } finally {
    await sandbox.dispose();
  }
});
