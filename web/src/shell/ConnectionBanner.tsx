import { IconPlugConnectedX } from '@tabler/icons-react';
import { useIsConnected } from './live.ts';
import classes from './Shell.module.css';

/** Says that the server cannot be reached, for as long as it cannot. */
export function ConnectionBanner() {
  const isConnected = useIsConnected();
  return (
    <div role="status">
      {!isConnected && (
        <div className={classes.banner} data-connection-banner>
          <IconPlugConnectedX size={16} aria-hidden />
          Terrarium cannot be reached. What you see may be out of date; reconnecting…
        </div>
      )}
    </div>
  );
}
