import { IConnectionLost, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { EnvironmentWatch } from '../environment/environment-watch.ts';
import { IEnvironmentWatch } from '../environment/environment-watch.ts';

/** A lost connection shows in the header and heals by itself; a dialog would only be in the way. */
export const connectionLostPlugin: JupyterFrontEndPlugin<IConnectionLost> = {
  id: 'terrarium:connection-lost',
  autoStart: true,
  provides: IConnectionLost,
  requires: [IEnvironmentWatch],
  activate: (_, watch: EnvironmentWatch) => () => watch.refresh(),
};
