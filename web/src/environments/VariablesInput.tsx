import { ActionIcon, Button, Fieldset, Stack, Text, TextInput, Tooltip } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import type { FieldErrors } from '../ui/form.ts';
import classes from './EnvironmentForm.module.css';
import type { Variable } from './draft.ts';

interface VariablesInputProps {
  rows: readonly Variable[];
  error: string | undefined;
  /** Complaints about one variable are keyed `environmentVariables.NAME`. */
  rowErrors: FieldErrors;
  onChange: (rows: readonly Variable[]) => void;
}

/** Environment variables for kernels and terminals. */
export function VariablesInput({ rows, error, rowErrors, onChange }: VariablesInputProps) {
  const change = (index: number, part: Partial<Variable>): void =>
    onChange(rows.map((row, at) => (at === index ? { ...row, ...part } : row)));
  return (
    <Fieldset legend="Environment variables" variant="unstyled">
      <Stack gap="xs">
        {rows.length === 0 && (
          <Text c="dimmed" fz="sm">
            Set for kernels and terminals, besides the workspace’s own (WORKSPACE_NAME, WORKSPACE_BUCKET, …).
          </Text>
        )}
        {rows.map((row, index) => (
          <div key={index} className={classes.variable}>
            <TextInput
              aria-label={`Name of variable ${String(index + 1)}`}
              placeholder="NAME"
              styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
              value={row.name}
              error={rowErrors[`environmentVariables.${row.name}`]}
              onChange={(event) => change(index, { name: event.currentTarget.value })}
            />
            <TextInput
              aria-label={`Value of variable ${String(index + 1)}`}
              placeholder="value"
              value={row.value}
              onChange={(event) => change(index, { value: event.currentTarget.value })}
            />
            <Tooltip label="Remove">
              <ActionIcon
                size="sm"
                aria-label={`Remove variable ${row.name === '' ? String(index + 1) : row.name}`}
                onClick={() => onChange(rows.filter((_, at) => at !== index))}
              >
                <IconX size={16} />
              </ActionIcon>
            </Tooltip>
          </div>
        ))}
        {error !== undefined && (
          <Text c="var(--danger)" fz="sm" role="alert">
            {error}
          </Text>
        )}
        <Button
          variant="default"
          size="xs"
          w="fit-content"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => onChange([...rows, { name: '', value: '' }])}
        >
          Add variable
        </Button>
      </Stack>
    </Fieldset>
  );
}
