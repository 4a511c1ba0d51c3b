import type { Environment } from '@terrarium/contract';
import { formatBytes } from '../ui/formats.ts';
import { Meter } from '../ui/Meter.tsx';

const gib = 1024 ** 3;

/** CPU, memory and disk of a running environment. */
export function UsageMeters({ environment }: { environment: Environment }) {
  const { usage } = environment;
  const memoryLimit = usage?.memoryLimitBytes ?? environment.memoryGiB * gib;
  const diskTotal = usage?.diskTotalBytes ?? (environment.disk === null ? null : environment.disk.sizeGiB * gib);
  return (
    <>
      <Meter
        name="CPU"
        fraction={usage?.cpuPercent == null ? null : usage.cpuPercent / 100}
        text={usage?.cpuPercent == null ? '–' : `${String(Math.round(usage.cpuPercent))} %`}
      />
      <Meter name="Memory" {...level(usage?.memoryBytes ?? null, memoryLimit)} />
      {diskTotal !== null && <Meter name="Disk" {...level(usage?.diskUsedBytes ?? null, diskTotal)} />}
    </>
  );
}

function level(used: number | null, total: number): { fraction: number | null; text: string } {
  if (used === null) return { fraction: null, text: `– / ${formatBytes(total)}` };
  return { fraction: total === 0 ? null : used / total, text: `${formatBytes(used)} / ${formatBytes(total)}` };
}
