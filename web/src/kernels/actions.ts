import type { Kernel, Workspace } from '@terrarium/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api } from '../api.ts';
import type { KernelAction } from './kernel-actions.ts';

/** Does something to a kernel; the list is read again whatever came of it. */
export function useKernelAction({ namespace, name }: Workspace) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: async ({ kernel, action }: { kernel: Kernel; action: KernelAction }): Promise<void> => {
      const call = { params: { namespace, name, kernel: kernel.id } };
      switch (action) {
        case 'interrupt':
          return api.interruptKernel(call);
        case 'restart':
          await api.restartKernel(call);
          return;
        case 'restartAndRunAll':
          await api.restartKernel(call);
          // The action is offered only where there is one.
          if (kernel.notebook !== null)
            await api.startRun({ params: { namespace, name, path: kernel.notebook }, body: {} });
          return;
        case 'shutDown':
          return api.shutDownKernel(call);
      }
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['kernels', namespace, name] }),
  });
}
