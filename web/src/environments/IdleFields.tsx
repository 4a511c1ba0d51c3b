import { Checkbox, Fieldset, Stack, Text } from '@mantine/core';
import type { ComputeOffer } from '@terrarium/contract';
import { Amount } from '../ui/Amount.tsx';
import type { FieldErrors } from '../ui/form.ts';
import type { Draft } from './draft.ts';
import classes from './EnvironmentForm.module.css';

interface IdleFieldsProps {
  draft: Draft;
  offer: ComputeOffer;
  problems: FieldErrors;
  onChange: (part: Partial<Draft>) => void;
}

/** After how long without work it sleeps, and after how long it pauses. */
export function IdleFields({ draft, offer, problems, onChange }: IdleFieldsProps) {
  const neverSleeps =
    draft.isPutToSleep &&
    draft.isAutopaused &&
    (draft.sleepMinutes ?? 0) >= (draft.autopauseMinutes ?? Number.POSITIVE_INFINITY);
  return (
    <Fieldset legend="When idle" variant="unstyled">
      <Stack gap="sm">
        {(offer.canSleep || draft.isPutToSleep) && (
          <Stack gap="xs">
            <Checkbox
              label="Sleep by itself"
              description="Its processes are frozen and use no CPU; every variable stays in memory. It wakes by itself when you go on."
              checked={draft.isPutToSleep}
              onChange={(event) => onChange({ isPutToSleep: event.currentTarget.checked })}
            />
            {draft.isPutToSleep && (
              <div className={classes.indented}>
                <Amount
                  label="Sleep after"
                  unit="minutes"
                  value={draft.sleepMinutes}
                  min={1}
                  step={5}
                  error={problems['sleepMinutes']}
                  onChange={(sleepMinutes) => onChange({ sleepMinutes })}
                />
              </div>
            )}
          </Stack>
        )}
        <Stack gap="xs">
          <Checkbox
            label="Pause by itself"
            description="Its kernels end; boot disk and disk are kept. Idle: no kernel, terminal or process at work. An open tab does not keep it awake."
            checked={draft.isAutopaused}
            onChange={(event) => onChange({ isAutopaused: event.currentTarget.checked })}
          />
          {draft.isAutopaused && (
            <div className={classes.indented}>
              <Amount
                label="Pause after"
                unit="minutes"
                value={draft.autopauseMinutes}
                min={1}
                step={5}
                error={problems['autopauseMinutes']}
                onChange={(autopauseMinutes) => onChange({ autopauseMinutes })}
              />
            </div>
          )}
        </Stack>
        {neverSleeps && (
          <Text c="dimmed" fz="sm">
            It pauses before it would sleep. For sleep first, let it sleep after fewer minutes.
          </Text>
        )}
      </Stack>
    </Fieldset>
  );
}
