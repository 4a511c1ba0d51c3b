import { environmentStatusWord, transitional, type EnvironmentStatus } from '@terrarium/contract';
import { StateWord } from '../ui/StateWord.tsx';

export function StatusWord({ status }: { status: EnvironmentStatus }) {
  const kind = transitional.has(status)
    ? 'working'
    : status === 'Running'
      ? 'running'
      : status === 'Error'
        ? 'error'
        : 'off';
  return (
    <StateWord kind={kind}>
      {environmentStatusWord[status]}
      {kind === 'working' && '…'}
    </StateWord>
  );
}
