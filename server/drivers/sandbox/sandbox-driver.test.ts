import { computeConformance } from '../conformance/compute.ts';
import { diskConformance } from '../conformance/disk.ts';
import type { SandboxOptions } from './sandbox-driver.ts';
import { readFromDisk, writeToDisk } from './testing/disk-contents.ts';
import { createTestSandbox } from './testing/machines.ts';

const flavours: { name: string; changes: Partial<SandboxOptions> }[] = [
  { name: 'sandbox', changes: {} },
  { name: 'sandbox with plain folders as disks', changes: { without: ['images'] } },
  { name: 'sandbox without bubblewrap', changes: { without: ['bubblewrap'] } },
  { name: 'sandbox with the freezer of version 1', changes: { without: ['unified-groups'] } },
  {
    name: 'sandbox that stops processes one by one',
    changes: { without: ['images', 'unified-groups', 'freezer-groups'] },
  },
  {
    name: 'sandbox that stops processes one by one, without bubblewrap',
    changes: { without: ['bubblewrap', 'unified-groups', 'freezer-groups'] },
  },
];

for (const { name, changes } of flavours) {
  const make = async () => {
    const sandbox = await createTestSandbox(changes);
    const reopen = async () => sandbox.make();
    const crash = async (id: string) => {
      process.kill(await sandbox.firstPid(id), 'SIGKILL');
    };
    return {
      compute: sandbox.compute,
      disks: sandbox.disks,
      reopen,
      crash,
      write: (id: string, text: string) => writeToDisk(sandbox.root, id, text),
      read: (id: string) => readFromDisk(sandbox.root, id),
      dispose: () => sandbox.dispose(),
    };
  };
  computeConformance({ name, make });
  diskConformance({
    name,
    make: async () => {
      const made = await make();
      return { ...made, reopen: async () => (await made.reopen()).disks };
    },
  });
}
