import { NumberInput } from '@mantine/core';

interface AmountProps {
  label: string;
  unit?: string;
  value: number | undefined;
  min: number;
  step: number;
  /** Below the field: what it counts, how much there may be. */
  hint?: string;
  error: string | undefined;
  onChange: (value: number | undefined) => void;
}

/** A number with its unit in the label, so that it is read out as well. */
export function Amount({ label, unit, value, min, step, hint, error, onChange }: AmountProps) {
  return (
    <NumberInput
      label={unit === undefined ? label : `${label} (${unit})`}
      value={value ?? ''}
      min={min}
      step={step}
      clampBehavior="none"
      allowNegative={false}
      error={error}
      description={hint}
      inputWrapperOrder={['label', 'input', 'error', 'description']}
      w={160}
      onChange={(next) => onChange(typeof next === 'number' ? next : undefined)}
    />
  );
}
