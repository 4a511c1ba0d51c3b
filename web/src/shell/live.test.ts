import { QueryClient, QueryObserver } from '@tanstack/react-query';
import { expect, test, vi } from 'vitest';
import { readAgain } from './live.ts';

test('a change that is heard of during the first reading is not missed', async () => {
  const queryClient = new QueryClient();
  const answers: ((disks: string[]) => void)[] = [];
  const observer = new QueryObserver(queryClient, {
    queryKey: ['disks'],
    queryFn: () => new Promise<string[]>((resolve) => answers.push(resolve)),
  });
  const unsubscribe = observer.subscribe(() => undefined);
  await vi.waitFor(() => expect(answers).toHaveLength(1));

  readAgain(queryClient, ['disks']);
  answers[0]?.(['being deleted']);
  await vi.waitFor(() => expect(answers).toHaveLength(2));
  answers[1]?.([]);
  await vi.waitFor(() => expect(observer.getCurrentResult().data).toEqual([]));
  unsubscribe();
});
