import type { Image } from '@terrarium/contract';
import { gib } from '../../disks/plan.ts';
import type { MachineSpec } from '../compute-driver.ts';
import type { EnvironmentSpec } from '../spec.ts';

/** What a prepared machine is made of: what an environment that takes it has to ask for. */
export interface PreparedShape {
  readonly image: string;
  /** What the image held: a machine that was started with other kernels is of no use any more. */
  readonly kernels: Image['kernels'];
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly bootDiskGiB: number;
  readonly diskGiB: number;
}

type Asked = Pick<EnvironmentSpec, 'cpus' | 'memoryGiB' | 'bootDiskGiB'>;

/** As text, which is the same for the same shape. */
export function shapeText({ reference, kernels }: Image, asked: Asked, diskGiB: number): string {
  const { cpus, memoryGiB, bootDiskGiB } = asked;
  const shape: PreparedShape = { image: reference, kernels, cpus, memoryGiB, bootDiskGiB, diskGiB };
  return JSON.stringify(shape);
}

export function shapeIn(row: { readonly spec: string }): PreparedShape {
  // Written by shapeText alone, from the same type.
  return JSON.parse(row.spec) as PreparedShape;
}

/** What a driver is told of a prepared machine: nothing yet of a workspace. */
export function preparedSpec(row: { id: string; disk_id: string; agent_secret: string; spec: string }): MachineSpec {
  const { image, kernels, cpus, memoryGiB, bootDiskGiB } = shapeIn(row);
  return {
    id: row.id,
    image,
    cpus,
    memoryBytes: Math.round(memoryGiB * gib),
    bootDiskBytes: bootDiskGiB * gib,
    diskId: row.disk_id,
    agent: { secret: row.agent_secret, warmKernel: kernels[0]?.name ?? null, environmentVariables: {} },
  };
}
