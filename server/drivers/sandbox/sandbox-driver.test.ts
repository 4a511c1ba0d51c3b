import { expect } from 'vitest';
import { computeConformance } from '../conformance/compute.ts';
import { diskConformance } from '../conformance/disk.ts';
import type { SandboxOptions } from './sandbox-driver.ts';
import { createTestSandbox, eventually } from './testing/machines.ts';

const flavours: { name: string; changes: Partial<SandboxOptions> }[] = [
  { name: 'sandbox', changes: {} },
  { name: 'sandbox with plain folders as disks', changes: { without: ['images'] } },
  { name: 'sandbox without bubblewrap', changes: { without: ['bubblewrap'] } },
];

for (const { name, changes } of flavours) {
  const make = async () => {
    const sandbox = await createTestSandbox(changes);
    const reopen = async () => sandbox.make();
    const crash = async (id: string) => {
      process.kill(await sandbox.firstPid(id), 'SIGKILL');
      await eventually(async () => {
        expect((await sandbox.compute.inspect(id)).state).toBe('stopped');
      });
    };
    return { compute: sandbox.compute, disks: sandbox.disks, reopen, crash, dispose: () => sandbox.dispose() };
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
