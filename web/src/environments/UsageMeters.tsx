import type { Environment } from '@terrarium/contract';
import { formatBytes } from '../ui/formats.ts';
import { Meter } from '../ui/Meter.tsx';
import { diskLevel, memoryLevel, type Level } from './warnings.ts';

/** CPU, memory and disk of a running environment. */
export function UsageMeters({ environment }: { environment: Environment }) {
  const { usage } = environment;
  const disk = diskLevel(environment);
  return (
    <>
      <Meter
        name="CPU"
        fraction={usage?.cpuPercent == null ? null : usage.cpuPercent / 100}
        text={usage?.cpuPercent == null ? '–' : `${String(Math.round(usage.cpuPercent))} %`}
      />
      <Meter name="Memory" {...shown(memoryLevel(environment))} />
      {disk !== undefined && <Meter name="Disk" {...shown(disk)} />}
    </>
  );
}

function shown({ used, total }: Level): { fraction: number | null; text: string } {
  if (used === null) return { fraction: null, text: `– / ${formatBytes(total)}` };
  return { fraction: total === 0 ? null : used / total, text: `${formatBytes(used)} / ${formatBytes(total)}` };
}
