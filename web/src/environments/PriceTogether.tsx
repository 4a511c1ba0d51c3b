import { Text } from '@mantine/core';
import type { Environment } from '@terrarium/contract';
import { formatPrice } from '../ui/formats.ts';

/** What all of them cost right now: the figure one looks for when the question is "did I leave something on?". */
export function PriceTogether({ environments }: { environments: readonly Environment[] }) {
  const currency = environments[0]?.cost.currency;
  if (currency === undefined) return null;
  const perHour = environments.reduce((sum, { cost }) => sum + cost.perHourNow, 0);
  return (
    <Text c="dimmed" fz="sm">
      Together{' '}
      <Text span c="var(--mantine-color-text)" fw={600} fz="inherit">
        {formatPrice(perHour, currency)}/h
      </Text>{' '}
      right now
    </Text>
  );
}
