import { Tooltip } from '@mantine/core';
import type { ReactElement } from 'react';

/**
 * Says on hover why a control cannot be used now. The control stays focusable (`data-disabled`, `aria-disabled`), so
 * that the reason can be read from the keyboard too.
 */
export function Hint({ reason, children }: { reason: string | undefined; children: ReactElement<object> }) {
  return (
    <Tooltip label={reason ?? ''} disabled={reason === undefined}>
      {children}
    </Tooltip>
  );
}

/** Properties of a control that says why it cannot be used now; with no reason it acts. */
export function disabledBecause(reason: string | undefined, act: () => void): object {
  return reason === undefined
    ? { onClick: act }
    : {
        'data-disabled': true,
        'aria-disabled': true,
        'aria-description': reason,
        onClick: (event: { preventDefault: () => void }) => event.preventDefault(),
      };
}
