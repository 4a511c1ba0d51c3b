import type { Accounts } from '../accounts/accounts.ts';
import { gib } from '../disks/plan.ts';
import type { WorkspaceStore } from '../workspaces/store.ts';
import type { MachineSpec } from './compute-driver.ts';
import { kernelVariables, specIn } from './spec.ts';
import type { EnvironmentRow } from './store.ts';

export interface MachineSpecs {
  of(row: EnvironmentRow): Promise<MachineSpec>;
  /** What kernels and terminals of the environment find in theirs. */
  variablesOf(row: EnvironmentRow): Promise<Record<string, string>>;
}

/** What a driver is told of an environment. */
export function createMachineSpecs(options: {
  accounts: Accounts;
  workspaces: WorkspaceStore;
  warmKernel: (image: string) => Promise<string | null>;
}): MachineSpecs {
  async function variablesOf(row: EnvironmentRow): Promise<Record<string, string>> {
    const [workspace, owner] = await Promise.all([
      options.workspaces.byId(row.workspace_id),
      options.accounts.get(row.owner_id),
    ]);
    const { namespace = '', name = '', bucket = '' } = workspace ?? {};
    return kernelVariables({
      workspace: { namespace, name, bucket },
      ownerEmail: owner?.email ?? '',
      environmentName: row.name,
      custom: specIn(row).environmentVariables,
    });
  }

  return {
    variablesOf,
    async of(row) {
      const spec = specIn(row);
      return {
        id: row.id,
        image: spec.image,
        cpus: spec.cpus,
        memoryBytes: Math.round(spec.memoryGiB * gib),
        bootDiskBytes: spec.bootDiskGiB * gib,
        diskId: row.disk_id,
        agent: {
          secret: row.agent_secret,
          warmKernel: await options.warmKernel(spec.image),
          environmentVariables: await variablesOf(row),
        },
      };
    },
  };
}
