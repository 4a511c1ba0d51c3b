import { Fieldset, Radio, Stack, Textarea } from '@mantine/core';
import type { FieldErrors } from '../ui/form.ts';
import type { Draft } from './draft.ts';
import classes from './EnvironmentForm.module.css';

/** Id of the text field, for links that lead to it. */
export const startupScriptId = 'startup-script';

interface StartupScriptFieldsProps {
  draft: Draft;
  problems: FieldErrors;
  onChange: (part: Partial<Draft>) => void;
}

/** What runs before the environment is ready, and how often. */
export function StartupScriptFields({ draft, problems, onChange }: StartupScriptFieldsProps) {
  return (
    <Fieldset legend="Startup script" variant="unstyled">
      <Stack gap="sm">
        <Textarea
          id={startupScriptId}
          aria-label="Startup script"
          description="Runs in /home/jupyter before the environment is ready; what it prints is shown live. If it fails, the environment starts all the same."
          placeholder={'pip install --user scanpy\n'}
          autosize
          minRows={4}
          maxRows={16}
          spellCheck={false}
          classNames={{ input: classes.script ?? '' }}
          value={draft.startupScript}
          error={problems['startupScript']}
          onChange={(event) => onChange({ startupScript: event.currentTarget.value })}
        />
        {draft.startupScript.trim() !== '' && (
          <Radio.Group
            label="Runs"
            value={draft.startupScriptRuns}
            onChange={(value) => onChange({ startupScriptRuns: value === 'once' ? 'once' : 'everyStart' })}
          >
            <Stack gap="xs" mt={4}>
              <Radio value="everyStart" label="At every start" />
              <Radio value="once" label="Once, when the boot disk is new" />
            </Stack>
          </Radio.Group>
        )}
      </Stack>
    </Fieldset>
  );
}
