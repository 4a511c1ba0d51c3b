import type { Image } from '@terrarium/contract';
import { gib } from '../../disks/plan.ts';
import type { MachineSpec } from '../compute-driver.ts';

/** What a prepared machine is made of. */
export interface PreparedShape {
  readonly image: string;
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly bootDiskGiB: number;
  readonly diskGiB: number;
  readonly warmKernel: string | null;
  /** A machine that was started with another agent, or other kernels, is of no use any more. */
  readonly build: string;
}

/** What somebody asks for who could take one. */
export type AskedShape = Pick<PreparedShape, 'image' | 'cpus' | 'memoryGiB' | 'bootDiskGiB' | 'diskGiB'> & {
  readonly gpus: number;
};

export function shapeOf(
  image: Image,
  defaults: Pick<PreparedShape, 'cpus' | 'memoryGiB' | 'bootDiskGiB' | 'diskGiB'>,
  build: string,
): PreparedShape {
  const { cpus, memoryGiB, bootDiskGiB, diskGiB } = defaults;
  const warmKernel = image.kernels[0]?.name ?? null;
  return { image: image.reference, cpus, memoryGiB, bootDiskGiB, diskGiB, warmKernel, build };
}

export function fits(asked: AskedShape, shape: PreparedShape): boolean {
  const { image, cpus, memoryGiB, bootDiskGiB, diskGiB } = shape;
  return (
    asked.gpus === 0 &&
    asked.image === image &&
    asked.cpus === cpus &&
    asked.memoryGiB === memoryGiB &&
    asked.bootDiskGiB === bootDiskGiB &&
    asked.diskGiB === diskGiB
  );
}

/** The same text for the same shape. */
export function textOfShape(shape: PreparedShape): string {
  return JSON.stringify(shape);
}

export function shapeIn(row: { readonly spec: string }): PreparedShape {
  // Written by textOfShape alone, from the same type.
  return JSON.parse(row.spec) as PreparedShape;
}

/** What a driver is told of a prepared machine: nothing yet of a workspace. */
export function preparedSpec(row: { id: string; disk_id: string; agent_secret: string; spec: string }): MachineSpec {
  const { image, cpus, memoryGiB, bootDiskGiB, warmKernel } = shapeIn(row);
  return {
    id: row.id,
    image,
    cpus,
    memoryBytes: Math.round(memoryGiB * gib),
    bootDiskBytes: bootDiskGiB * gib,
    diskId: row.disk_id,
    agent: { secret: row.agent_secret, warmKernel, environmentVariables: {} },
  };
}
