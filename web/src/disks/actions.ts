import type { Disk, DiskCopy, DiskUpdate } from '@terrarium/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api } from '../api.ts';

type DiskId = Pick<Disk, 'id'>;

function useAction<Input>(act: (input: Input) => Promise<Disk>) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['disks'] });
      void queryClient.invalidateQueries({ queryKey: ['environments'] });
    },
  });
}

export const useUpdateDisk = () =>
  useAction(({ disk: { id }, body }: { disk: DiskId; body: DiskUpdate }) => api.updateDisk({ params: { id }, body }));

export const useSnapshotDisk = () =>
  useAction(({ disk: { id }, body }: { disk: DiskId; body: Pick<DiskCopy, 'name'> }) =>
    api.snapshotDisk({ params: { id }, body }),
  );

export const useCloneDisk = () =>
  useAction(({ disk: { id }, body }: { disk: DiskId; body: DiskCopy }) => api.cloneDisk({ params: { id }, body }));

export const useDeleteDisk = () => useAction(({ id }: DiskId) => api.deleteDisk({ params: { id } }));
