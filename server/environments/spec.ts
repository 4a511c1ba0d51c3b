import type { EnvironmentCreate } from '@terrarium/contract';

/** What an environment is made of, as stored with its row. */
export interface EnvironmentSpec {
  readonly image: string;
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly gpus: number;
  readonly bootDiskGiB: number;
  readonly environmentVariables: Readonly<Record<string, string>>;
  readonly autopauseMinutes: number;
}

export interface ShapeDefaults {
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly bootDiskGiB: number;
  readonly autopauseMinutes: number;
}

export function specOf(request: EnvironmentCreate, image: string, defaults: ShapeDefaults): EnvironmentSpec {
  return {
    image,
    cpus: request.cpus ?? defaults.cpus,
    memoryGiB: request.memoryGiB ?? defaults.memoryGiB,
    gpus: 0,
    bootDiskGiB: request.bootDiskGiB ?? defaults.bootDiskGiB,
    environmentVariables: request.environmentVariables ?? {},
    autopauseMinutes: request.autopauseMinutes ?? defaults.autopauseMinutes,
  };
}

/**
 * What kernels and terminals find in their environment: Terra's names, so that notebooks written for it run. A person's
 * own variables come first and cannot replace these.
 */
export function kernelVariables(facts: {
  workspace: { namespace: string; name: string; bucket: string };
  ownerEmail: string;
  environmentName: string;
  custom: Readonly<Record<string, string>>;
}): Record<string, string> {
  return {
    ...facts.custom,
    WORKSPACE_NAME: facts.workspace.name,
    WORKSPACE_NAMESPACE: facts.workspace.namespace,
    WORKSPACE_BUCKET: facts.workspace.bucket,
    GOOGLE_PROJECT: facts.workspace.namespace,
    OWNER_EMAIL: facts.ownerEmail,
    RUNTIME_NAME: facts.environmentName,
    CLUSTER_NAME: facts.environmentName,
  };
}
