import {
  IConnectionStatus,
  IKernelManager,
  IServerSettings,
  ISessionManager,
  ITerminalManager,
  type ServerConnection,
  type ServiceManagerPlugin,
  SessionManager,
  TerminalManager,
  type Kernel,
  type Session,
  type Terminal,
} from '@jupyterlab/services';
import { AppError } from '@terrarium/contract';
import { EnvironmentGate, IEnvironmentGate } from './gate.ts';
import { EnvironmentWatch, IEnvironmentWatch } from './environment-watch.ts';

const notStarted = (): AppError =>
  new AppError('EnvironmentPaused', 'The environment is paused. Start it to go on; nothing was lost.');

/** Sessions for consoles and for a changed kernel: each start passes the gate. */
class GatedSessionManager extends SessionManager {
  readonly #gate: EnvironmentGate;

  constructor(options: SessionManager.IOptions, gate: EnvironmentGate) {
    super(options);
    this.#gate = gate;
  }

  override async startNew(
    createOptions: Session.ISessionOptions,
    connectOptions?: Omit<Session.ISessionConnection.IOptions, 'model' | 'connectToKernel' | 'serverSettings'>,
  ): Promise<Session.ISessionConnection> {
    if (!(await this.#gate.pass('Start'))) throw notStarted();
    return super.startNew(createOptions, connectOptions);
  }
}

class GatedTerminalManager extends TerminalManager {
  readonly #gate: EnvironmentGate;

  constructor(options: TerminalManager.IOptions, gate: EnvironmentGate) {
    super(options);
    this.#gate = gate;
  }

  override async startNew(options?: Terminal.ITerminal.IOptions): Promise<Terminal.ITerminalConnection> {
    if (!(await this.#gate.pass('Start and open terminal'))) throw notStarted();
    return super.startNew(options);
  }
}

const watch: ServiceManagerPlugin<EnvironmentWatch> = {
  id: 'terrarium:environment-watch',
  autoStart: true,
  provides: IEnvironmentWatch,
  activate: () => new EnvironmentWatch(),
};

const gate: ServiceManagerPlugin<EnvironmentGate> = {
  id: 'terrarium:environment-gate',
  autoStart: true,
  provides: IEnvironmentGate,
  requires: [IEnvironmentWatch],
  activate: (_, environmentWatch: EnvironmentWatch) => new EnvironmentGate(environmentWatch),
};

const sessions: ServiceManagerPlugin<Session.IManager> = {
  id: 'terrarium:session-manager',
  autoStart: true,
  provides: ISessionManager,
  requires: [IKernelManager, IEnvironmentGate],
  optional: [IServerSettings, IConnectionStatus],
  activate: (
    _,
    kernelManager: Kernel.IManager,
    environmentGate: EnvironmentGate,
    serverSettings: ServerConnection.ISettings | undefined,
    connection: IConnectionStatus | undefined,
  ) => new GatedSessionManager({ kernelManager, ...common(serverSettings, connection) }, environmentGate),
};

const terminals: ServiceManagerPlugin<Terminal.IManager> = {
  id: 'terrarium:terminal-manager',
  autoStart: true,
  provides: ITerminalManager,
  requires: [IEnvironmentGate],
  optional: [IServerSettings, IConnectionStatus],
  activate: (
    _,
    environmentGate: EnvironmentGate,
    serverSettings: ServerConnection.ISettings | undefined,
    connection: IConnectionStatus | undefined,
  ) => new GatedTerminalManager(common(serverSettings, connection), environmentGate),
};

/** JupyterLab stops asking the server for news while it is cut off, and while nobody looks. */
function common(
  serverSettings: ServerConnection.ISettings | undefined,
  connection: IConnectionStatus | undefined,
): { serverSettings?: ServerConnection.ISettings; standby: () => boolean | 'when-hidden' } {
  return {
    ...(serverSettings ? { serverSettings } : {}),
    standby: () => connection?.isConnected === false || 'when-hidden',
  };
}

export const servicePlugins = [watch, gate, sessions, terminals];
