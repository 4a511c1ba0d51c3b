import * as React from 'react';

/** The time now, renewed every `everyMs` while mounted. */
export function useNow(everyMs: number): number {
  const [now, setNow] = React.useState(Date.now);
  React.useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), everyMs);
    return () => window.clearInterval(timer);
  }, [everyMs]);
  return now;
}
