import type { Kernel } from '@terrarium/contract';
import { useNow } from '../ui/clock.ts';
import { formatDuration } from '../ui/formats.ts';
import { StateWord } from '../ui/StateWord.tsx';

/** What a kernel does: idle, or busy and for how long. */
export function KernelState({ kernel }: { kernel: Kernel }) {
  switch (kernel.state) {
    case 'idle':
      return <StateWord kind="off">Idle</StateWord>;
    case 'busy':
      return <Busy execution={kernel.execution} queued={kernel.queued} />;
    case 'starting':
      return <StateWord kind="working">Starting…</StateWord>;
    case 'restarting':
      return <StateWord kind="working">Restarting…</StateWord>;
    case 'dead':
      return <StateWord kind="error">Dead</StateWord>;
  }
}

function Busy({ execution, queued }: Pick<Kernel, 'execution' | 'queued'>) {
  const now = useNow(1000);
  const elapsed = execution === null ? '' : ` ${formatDuration(now - Date.parse(execution.startedAt))}`;
  return (
    <StateWord kind="working">
      Busy{elapsed}
      {queued > 0 && `, ${String(queued)} waiting`}
    </StateWord>
  );
}
