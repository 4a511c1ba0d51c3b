import type { EnvironmentCreate, StartupScriptRuns } from '@terrarium/contract';

/** What an environment is made of, as stored with its row. */
export interface EnvironmentSpec {
  readonly image: string;
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly gpus: number;
  readonly bootDiskGiB: number;
  readonly environmentVariables: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly startupScript: string;
  readonly startupScriptRuns: StartupScriptRuns;
  readonly autopauseMinutes: number;
  readonly sleepMinutes: number;
}

export interface ShapeDefaults {
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly bootDiskGiB: number;
  readonly autopauseMinutes: number;
  readonly sleepMinutes: number;
}

export function specOf(request: EnvironmentCreate, image: string, defaults: ShapeDefaults): EnvironmentSpec {
  const fresh: EnvironmentSpec = {
    ...defaults,
    image,
    gpus: 0,
    environmentVariables: {},
    labels: {},
    startupScript: '',
    startupScriptRuns: 'everyStart',
  };
  return changedSpec(fresh, request);
}

/** The spec with what the request names in place of what was there. */
export function changedSpec(spec: EnvironmentSpec, request: EnvironmentCreate): EnvironmentSpec {
  return {
    image: request.image ?? spec.image,
    cpus: request.cpus ?? spec.cpus,
    memoryGiB: request.memoryGiB ?? spec.memoryGiB,
    gpus: request.gpus ?? spec.gpus,
    bootDiskGiB: request.bootDiskGiB ?? spec.bootDiskGiB,
    environmentVariables: request.environmentVariables ?? spec.environmentVariables,
    labels: request.labels ?? spec.labels,
    startupScript: request.startupScript ?? spec.startupScript,
    startupScriptRuns: request.startupScriptRuns ?? spec.startupScriptRuns,
    autopauseMinutes: request.autopauseMinutes ?? spec.autopauseMinutes,
    sleepMinutes: request.sleepMinutes ?? spec.sleepMinutes,
  };
}

/** What rows from before a setting existed have in its place. */
const settledBefore = { labels: {}, startupScript: '', startupScriptRuns: 'everyStart', sleepMinutes: 0 } as const;

export function specIn(row: { readonly spec: string }): EnvironmentSpec {
  // Written by this noun alone, from the same type.
  return { ...settledBefore, ...(JSON.parse(row.spec) as Omit<EnvironmentSpec, keyof typeof settledBefore>) };
}

/** What the environment's machine and agent are to be given. */
export interface Given {
  readonly image: string;
  readonly bootDiskGiB: number;
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly gpus: number;
  readonly diskId: string;
  readonly name: string;
  readonly environmentVariables: Readonly<Record<string, string>>;
}

/** What they were given last. `refused` are limits that could not be given to the machine as it runs. */
export interface Applied extends Given {
  readonly refused?: { readonly cpus: number; readonly memoryGiB: number };
}

export function givenBy(row: { readonly spec: string; readonly disk_id: string; readonly name: string }): Given {
  const { image, bootDiskGiB, cpus, memoryGiB, gpus, environmentVariables } = specIn(row);
  return { image, bootDiskGiB, cpus, memoryGiB, gpus, diskId: row.disk_id, name: row.name, environmentVariables };
}

export function appliedIn(row: { readonly applied: string | null }): Applied | null {
  // Written by this noun alone, from the same type.
  return row.applied === null ? null : (JSON.parse(row.applied) as Applied);
}

/** What a machine of that shape was given that was made before anybody had it. */
export function appliedBeforeOwner(spec: EnvironmentSpec, diskId: string): Applied {
  const { image, bootDiskGiB, cpus, memoryGiB, gpus } = spec;
  // No environment has this name, so the variables of the first that takes it differ.
  return { image, bootDiskGiB, cpus, memoryGiB, gpus, diskId, name: '', environmentVariables: {} };
}

/** In what the machine differs from what is wanted, by what it takes to change that. */
export interface Differences {
  readonly rebuild: boolean;
  readonly restart: boolean;
  readonly limits: boolean;
  readonly variables: boolean;
}

/** @param applied  null when nothing is known of it: it is taken to be as wanted */
export function differencesBetween(applied: Applied | null, wanted: Given): Differences {
  if (applied === null) return { rebuild: false, restart: false, limits: false, variables: false };
  const { refused } = applied;
  const isRefused = refused?.cpus === wanted.cpus && refused.memoryGiB === wanted.memoryGiB;
  return {
    rebuild: applied.image !== wanted.image || applied.bootDiskGiB !== wanted.bootDiskGiB,
    restart: applied.diskId !== wanted.diskId || applied.gpus !== wanted.gpus,
    limits: !isRefused && (applied.cpus !== wanted.cpus || applied.memoryGiB !== wanted.memoryGiB),
    variables:
      applied.name !== wanted.name || textOf(applied.environmentVariables) !== textOf(wanted.environmentVariables),
  };
}

export function textOf(variables: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(variables).sort(([a], [b]) => (a < b ? -1 : 1)));
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
