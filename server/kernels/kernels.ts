import { AppError, notebookPathOf, type Kernel } from '@terrarium/contract';
import type { AgentKernel } from '@terrarium/contract/agent';
import { agentClient, type AgentDoor } from '../environments/agent-client.ts';
import type { Environments } from '../environments/environments.ts';
import type { Sleepers } from '../environments/sleeping.ts';
import { isoMoment } from '../plumbing/clock.ts';
import type { EventBus } from '../plumbing/events.ts';

export type Kernels = ReturnType<typeof createKernels>;

interface Found {
  readonly environment: { readonly id: string; readonly name: string };
  readonly door: AgentDoor;
  readonly kernel: AgentKernel;
}

/** Kernels of a person's environments in a workspace, of those that sleep as they were before. Other people's environments are not theirs to see. */
export function createKernels(deps: {
  environments: Pick<Environments, 'runningIn'>;
  sleepers: Pick<Sleepers, 'kernelsIn'>;
  events: EventBus;
}) {
  const { environments, sleepers, events } = deps;

  async function all(accountId: string, workspaceId: string): Promise<Found[]> {
    const running = await environments.runningIn(accountId, workspaceId);
    const found = await Promise.all(
      running.map(async ({ id, name, door }) => {
        const kernels = await agentClient.kernels(door).catch((cause: unknown) => {
          throw noAnswer(name, cause);
        });
        return kernels.map((kernel) => ({ environment: { id, name }, door, kernel }));
      }),
    );
    return found.flat();
  }

  async function required(accountId: string, workspaceId: string, kernelId: string): Promise<Found> {
    const found = (await all(accountId, workspaceId)).find(({ kernel }) => kernel.id === kernelId);
    if (found === undefined) throw gone(kernelId);
    return found;
  }

  /** Does it to one kernel; every page that shows the person's kernels reads them again. */
  async function act(
    accountId: string,
    workspaceId: string,
    kernelId: string,
    work: (door: AgentDoor, kernelId: string) => Promise<unknown>,
  ): Promise<void> {
    const { environment, door } = await required(accountId, workspaceId, kernelId);
    try {
      await work(door, kernelId);
    } catch (error) {
      // It ended between the look and the act.
      if (error instanceof AppError && error.code === 'NotFound') throw gone(kernelId, error);
      throw noAnswer(environment.name, error);
    } finally {
      events.publish({ kind: 'environment', id: environment.id, workspaceId }, accountId);
    }
  }

  return {
    /** @throws AppError DriverUnavailable  an environment's agent does not answer */
    async list(accountId: string, workspaceId: string): Promise<Kernel[]> {
      const [awake, asleep] = await Promise.all([
        all(accountId, workspaceId),
        sleepers.kernelsIn(accountId, workspaceId),
      ]);
      return [...awake, ...asleep].map(toResource);
    },

    /** Stops the cell that runs; variables stay. @throws AppError NotFound, DriverUnavailable */
    interrupt: (accountId: string, workspaceId: string, kernelId: string): Promise<void> =>
      act(accountId, workspaceId, kernelId, agentClient.interruptKernel),

    /**
     * Begins it anew, its variables lost; resolves when it answers.
     * @throws AppError NotFound, DriverUnavailable
     */
    async restart(accountId: string, workspaceId: string, kernelId: string): Promise<Kernel> {
      await act(accountId, workspaceId, kernelId, agentClient.restartKernel);
      return toResource(await required(accountId, workspaceId, kernelId));
    },

    /** Ends it, its variables lost. @throws AppError NotFound, DriverUnavailable */
    shutDown: (accountId: string, workspaceId: string, kernelId: string): Promise<void> =>
      act(accountId, workspaceId, kernelId, agentClient.shutDownKernel),
  };
}

function toResource({ environment, kernel }: Omit<Found, 'door'>): Kernel {
  const { path, execution, lastActivityAt, death, ...rest } = kernel;
  return {
    ...rest,
    path,
    notebook: path === null ? null : notebookPathOf(path),
    execution: execution === null ? null : { cell: execution.cell, startedAt: isoMoment(execution.startedAt) },
    lastActivityAt: isoMoment(lastActivityAt),
    death: death == null ? null : { ...death, at: isoMoment(death.at) },
    environment,
  };
}

function gone(kernelId: string, cause?: unknown): AppError {
  const message = `There is no kernel "${kernelId.slice(0, 60)}" in your environments here. It may have been shut down.`;
  return new AppError('NotFound', message, { cause });
}

function noAnswer(name: string, cause: unknown): AppError {
  const message = `Environment "${name}" does not answer. Wait a moment and try again; if it goes on, pause and resume it.`;
  return new AppError('DriverUnavailable', message, { cause });
}
