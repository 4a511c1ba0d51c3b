import { Tooltip } from '@mantine/core';
import { useNow } from './clock.ts';
import { formatMoment, formatRelative } from './formats.ts';

/** A moment relative to now; in full on hover and on focus. */
export function When({ at }: { at: string }) {
  const now = useNow(30_000);
  return (
    <Tooltip label={formatMoment(at)}>
      <time dateTime={at} aria-description={formatMoment(at)}>
        {formatRelative(at, now)}
      </time>
    </Tooltip>
  );
}
