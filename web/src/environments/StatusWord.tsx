import { environmentStatuses, environmentStatusWord, transitional, type EnvironmentStatus } from '@terrarium/contract';
import { StateWord, type StateKind } from '../ui/StateWord.tsx';

/** The status in words; what it means is told on hover. */
export function StatusWord({ status }: { status: EnvironmentStatus }) {
  const kind = kindOf(status);
  return (
    <StateWord kind={kind} title={environmentStatuses[status].meaning}>
      {environmentStatusWord[status]}
      {kind === 'working' && '…'}
    </StateWord>
  );
}

function kindOf(status: EnvironmentStatus): StateKind {
  if (transitional.has(status)) return 'working';
  if (status === 'Running') return 'running';
  if (status === 'Asleep') return 'asleep';
  return status === 'Error' ? 'error' : 'off';
}
