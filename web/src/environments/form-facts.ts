import type { ComputeOffer, Disk, Image, PriceTable, Workspace } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { disksQuery } from '../disks/queries.ts';
import type { Draft } from './draft.ts';
import { computeOfferQuery, environmentsQuery, existingEnvironments, imagesQuery, pricesQuery } from './queries.ts';
import { estimate, type Estimate } from './shape.ts';

/** What the forms of an environment are built on. */
export interface FormFacts {
  readonly images: readonly Image[];
  readonly offer: ComputeOffer;
  /** The workspace's disks that could be attached. */
  readonly detached: readonly Disk[];
  readonly takenNames: readonly string[];
  readonly prices: PriceTable | undefined;
}

/** Reads them; `error` and `retry` when that failed, neither facts nor error while it is under way. */
export function useFormFacts(workspace: Workspace): {
  facts?: FormFacts;
  error?: Error;
  retry: () => void;
} {
  const images = useQuery(imagesQuery);
  const offer = useQuery(computeOfferQuery);
  const disks = useQuery(disksQuery);
  const environments = useQuery(environmentsQuery(workspace));
  const prices = useQuery(pricesQuery);
  const failed = [images, offer, disks, environments].find((query) => query.data === undefined && query.error !== null);
  const retry = (): void => void failed?.refetch();
  if (failed?.error != null) return { error: failed.error, retry };
  if (
    images.data === undefined ||
    offer.data === undefined ||
    disks.data === undefined ||
    environments.data === undefined
  )
    return { retry };
  const facts = {
    images: images.data,
    offer: offer.data,
    detached: disks.data.filter((disk) => isAttachable(disk) && disk.workspace.id === workspace.id),
    takenNames: existingEnvironments(environments.data).map(({ name }) => name),
    prices: prices.data,
  };
  return { facts, retry };
}

/** Whether a new environment could have this disk. */
export function isAttachable({ kind, attachedTo, status }: Disk): boolean {
  return kind === 'disk' && attachedTo === null && status === 'Ready';
}

/** What an environment as drafted would cost; undefined while a figure is missing. */
export function estimateOf(draft: Draft, { detached, prices }: FormFacts): Estimate | undefined {
  const { cpus, memoryGiB, gpus, bootDiskGiB } = draft;
  const attached = detached.find(({ name }) => name === draft.existingDisk);
  const diskGiB = attached?.sizeGiB ?? draft.diskGiB;
  if (cpus === undefined || memoryGiB === undefined || gpus === undefined || bootDiskGiB === undefined)
    return undefined;
  if (prices === undefined || diskGiB === undefined) return undefined;
  return estimate({ cpus, memoryGiB, gpus, bootDiskGiB, diskGiB }, prices);
}
