import { Button, Stack, Text } from '@mantine/core';
import type { Environment } from '@terrarium/contract';
import { IconPlayerPause } from '@tabler/icons-react';
import { useState } from 'react';
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx';
import { count } from '../ui/formats.ts';
import { disabledBecause, Hint } from '../ui/Hint.tsx';
import { useStopAllEnvironments } from './actions.ts';

/** Pauses every environment of the person that runs or sleeps, after saying what ends. */
export function PauseAllButton({ environments }: { environments: readonly Environment[] }) {
  const [isAsking, setIsAsking] = useState(false);
  const stop = useStopAllEnvironments();
  const problem = environments.length === 0 ? 'None of them runs or sleeps.' : undefined;
  const working = environments.filter(({ busyReasons }) => busyReasons.length > 0);
  return (
    <>
      <Hint reason={problem}>
        <Button
          variant="default"
          leftSection={<IconPlayerPause size={14} aria-hidden />}
          {...disabledBecause(problem, () => {
            stop.reset();
            setIsAsking(true);
          })}
        >
          Pause all
        </Button>
      </Hint>
      {isAsking && (
        <ConfirmDialog
          title={`Pause ${count(environments.length, 'environment')}?`}
          action="Pause all"
          isPending={stop.isPending}
          error={stop.error}
          onConfirm={() => stop.mutate(undefined, { onSuccess: () => setIsAsking(false) })}
          onClose={() => setIsAsking(false)}
        >
          <Stack gap="xs">
            <Text>
              <b>Lost:</b> what runs in them: kernels with their variables, terminals, processes.
            </Text>
            <Text>
              <b>Kept:</b> boot disks and disks, notebooks and files.
            </Text>
            {working.map(({ id, name, workspace, busyReasons }) => (
              <Text key={id} c="var(--warning)">
                {name} in {workspace.name} is at work: {busyReasons.join(', ')}.
              </Text>
            ))}
          </Stack>
        </ConfirmDialog>
      )}
    </>
  );
}
