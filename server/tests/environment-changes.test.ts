import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { AppError, type Environment, type EnvironmentCreate, type EnvironmentUpdate } from '@terrarium/contract';
import {
  createInstallation,
  paramsOf,
  removeMachines,
  untilStatus,
  untilTrue,
  type ControlPlane,
  type Installation,
} from '../testing/control-plane.ts';
import { inFreshKernel, kernelManager, run } from '../testing/jupyter-client.ts';

const workspace = { namespace: 'my-project', name: 'getting-started' };
let installation: Installation;
let plane: ControlPlane;

beforeAll(async () => {
  installation = await createInstallation();
  // A script that never ends has three seconds here.
  plane = await installation.start({ TERRARIUM_STARTUP_SCRIPT_MINUTES: '0.05' });
});

afterEach(async () => {
  await removeMachines(plane.client);
});

afterAll(async () => {
  await installation.remove();
});

const ask = (body: EnvironmentCreate = {}): Promise<Environment> =>
  plane.client.createEnvironment({
    params: workspace,
    body: { diskGiB: 1, bootDiskGiB: 1, memoryGiB: 1, ...body },
  });
const create = async (body: EnvironmentCreate = {}): Promise<Environment> =>
  untilStatus(plane.client, await ask(body), 'Running');
const look = (environment: Environment): Promise<Environment> =>
  plane.client.getEnvironment({ params: paramsOf(environment) });
const update = (environment: Environment, body: EnvironmentUpdate, dryRun: 'true' | 'false' = 'false') =>
  plane.client.updateEnvironment({ params: paramsOf(environment), query: { dryRun }, body });

async function untilOperationEnds(environment: Environment): Promise<Environment> {
  let latest = environment;
  await untilTrue(async () => {
    latest = await look(environment);
    return latest.operations.every(({ endedAt }) => endedAt !== null);
  }, 'nothing is under way');
  return latest;
}

const inKernel = (...codes: string[]): Promise<string[]> => inFreshKernel(plane, workspace, 'python3', ...codes);

/** The code of the refusal, and nothing when it was not refused. */
const refusal = (work: Promise<unknown>): Promise<{ code: string; message: string } | null> =>
  work.then(
    () => null,
    (error: unknown) => {
      if (!(error instanceof AppError)) throw error;
      return { code: error.code, message: error.message };
    },
  );

describe('a startup script', () => {
  test('runs before the first kernel, with the variables, and its lines are shown as they come', async () => {
    const environment = await ask({
      startupScript: 'echo "hello $GREETED"; echo kept > ~/from-script; sleep 1; echo done',
      environmentVariables: { GREETED: 'world' },
    });
    const logs = new Set<string>();
    await untilTrue(async () => {
      const { status, timeline } = await look(environment);
      logs.add(timeline.find(({ step }) => step === 'run-script')?.log ?? '');
      return status === 'Running';
    }, 'the environment runs');
    expect([...logs]).toContain('hello world\n');
    const [step] = (await look(environment)).timeline.filter((one) => one.step === 'run-script');
    expect(step).toMatchObject({ outcome: 'done', log: 'hello world\ndone\n' });
    expect(await inKernel('print(open("/home/jupyter/from-script").read())')).toEqual(['kept']);
  });

  test('that fails leaves an environment that can be used, and says its last lines', async () => {
    const environment = await create({ startupScript: 'echo one; echo "no such package" >&2; exit 7' });
    expect(environment.reason).toContain('failed with exit code 7');
    expect(environment.reason).toContain('no such package');
    expect(environment.operations.at(-1)).toMatchObject({ kind: 'create', outcome: 'done' });
    expect(await inKernel('print(1 + 1)')).toEqual(['2']);
  });

  test('that never ends, or forks without end, is ended in time', async () => {
    const endless = await create({ name: 'endless', startupScript: 'echo begun; sleep 1000' });
    expect(endless.reason).toContain('was ended after 0.1 minutes');
    expect(endless.reason).toContain('begun');
    await plane.client.deleteEnvironment({ params: paramsOf(endless), query: { deleteDisk: 'true' } });
    const forks = 'f() { sleep 30 & f & }; for i in 1 2 3 4 5 6; do f; done; sleep 100';
    const forking = await create({ name: 'forking', startupScript: forks });
    expect(forking.reason).toContain('was ended');
    expect(await inKernel('print(1 + 1)')).toEqual(['2']);
  });

  test('runs once for a boot disk, or at every start, as it was asked for', async () => {
    const count = (name: string) => `echo x >> ~/${name}`;
    const once = await create({ startupScript: count('ran'), startupScriptRuns: 'once' });
    const restart = async (environment: Environment) => {
      await plane.client.stopEnvironment({ params: paramsOf(environment), query: {} });
      await untilStatus(plane.client, environment, 'Stopped');
      await plane.client.startEnvironment({ params: paramsOf(environment) });
      await untilStatus(plane.client, environment, 'Running');
    };
    await restart(once);
    const ran = 'print(open("/home/jupyter/ran").read().count("x"))';
    expect(await inKernel(ran)).toEqual(['1']);
    expect((await update(once, { startupScriptRuns: 'everyStart' })).effect).toBe('nothing');
    await restart(once);
    expect(await inKernel(ran)).toEqual(['2']);
    // Its boot disk is new after a rebuild.
    await update(once, { startupScriptRuns: 'once', bootDiskGiB: 2 });
    await untilStatus(plane.client, once, 'Running');
    expect(await inKernel(ran)).toEqual(['3']);
  });
});

describe('a change', () => {
  test('of variables is seen by the next kernel, and ends none', async () => {
    const environment = await create({ environmentVariables: { FIRST: '1' } });
    const manager = kernelManager(plane, workspace.namespace, workspace.name);
    const kernel = await manager.startNew({ name: 'python3' });
    await run(kernel, 'kept = 42');
    const changed = await update(environment, { environmentVariables: { SECOND: '2' } });
    expect(changed).toMatchObject({ status: 'Running', effect: 'nothing' });
    const after = await untilOperationEnds(environment);
    expect(after.operations.at(-1)).toMatchObject({ kind: 'update', outcome: 'done' });
    const seen = 'import os; print(os.environ.get("FIRST"), os.environ.get("SECOND"))';
    expect(await inKernel(seen)).toEqual(['None 2']);
    expect(await run(kernel, 'print(kept)')).toBe('42\n');
    await kernel.shutdown();
    manager.dispose();
  });

  test('of memory holds at once where limits change live', async () => {
    const environment = await create();
    const { canLimitLive } = await plane.client.getComputeOffer();
    if (!canLimitLive) {
      console.warn('SKIPPED: memory limits cannot be changed live on this machine.');
      return;
    }
    const allocate =
      'import subprocess, sys\nprint(subprocess.run([sys.executable, "-c", "b = bytearray(1300 * 2**20); print(len(b))"], capture_output=True, text=True).returncode)';
    expect(await inKernel(allocate)).not.toEqual(['0']);
    expect((await update(environment, { memoryGiB: 2 })).effect).toBe('nothing');
    await untilOperationEnds(environment);
    expect(await inKernel(allocate)).toEqual(['0']);
  });

  test('that rebuilds loses what is on the boot disk and keeps the disk', async () => {
    const environment = await create();
    await inKernel('open("/home/jupyter/kept", "w").write("k"); open("/opt/lost", "w").write("l")');
    const said = await update(environment, { bootDiskGiB: 2 }, 'true');
    expect(said).toMatchObject({ effect: 'rebuild', status: 'Running', bootDiskGiB: 1 });
    const changed = await update(environment, { bootDiskGiB: 2 });
    expect(changed).toMatchObject({ effect: 'rebuild', status: 'Updating' });
    const rebuilt = await untilStatus(plane.client, environment, 'Running');
    expect(rebuilt.bootDiskGiB).toBe(2);
    const whatIsLeft = 'import os; print([os.path.exists(p) for p in ("/home/jupyter/kept", "/opt/lost")])';
    expect(await inKernel(whatIsLeft)).toEqual(['[True, False]']);
  });

  test('of the disk moves the environment to it, and the old one is kept', async () => {
    const environment = await create({ diskName: 'first' });
    await inKernel('open("/home/jupyter/mark", "w").write("first")');
    const [first] = await plane.client.listDisks();
    if (first === undefined) throw new Error('The disk is listed.');
    const copy = await plane.client.cloneDisk({ params: { id: first.id }, body: { name: 'second', sizeGiB: 2 } });
    await untilTrue(
      async () => (await plane.client.getDisk({ params: { id: copy.id } })).status === 'Ready',
      'the copy',
    );
    await inKernel('open("/home/jupyter/mark", "w").write("changed since")');
    expect((await update(environment, { diskName: 'second' })).effect).toBe('restart');
    const moved = await untilStatus(plane.client, environment, 'Running');
    expect(moved.disk).toMatchObject({ name: 'second', sizeGiB: 2 });
    expect(await inKernel('print(open("/home/jupyter/mark").read())')).toEqual(['first']);
    const disks = await plane.client.listDisks();
    expect(disks.map(({ name, attachedTo }) => [name, attachedTo?.name ?? null]).toSorted()).toEqual([
      ['first', null],
      ['second', 'main'],
    ]);
  });

  test('of the size of the disk grows it, with its files, and never shrinks it', async () => {
    const environment = await create();
    await inKernel('open("/home/jupyter/mark", "w").write("here")');
    await update(environment, { diskGiB: 3 });
    await untilTrue(async () => (await look(environment)).disk?.sizeGiB === 3, 'the disk has grown');
    const grown = await untilStatus(plane.client, environment, 'Running');
    const [total] = await inKernel(
      'import os; s = os.statvfs("/home/jupyter"); print(s.f_blocks * s.f_frsize > 2.7 * 2**30, open("/home/jupyter/mark").read())',
    );
    expect(total).toBe('True here');
    const refused = await refusal(update(grown, { diskGiB: 2 }));
    expect(refused).toMatchObject({ code: 'InvalidInput' });
    expect(refused?.message).toContain('make a disk with another name');
  });
});

describe('at the wrong moment', () => {
  test('a change during a transition is refused in a sentence, and changes nothing', async () => {
    const environment = await ask();
    const refused = await refusal(update(environment, { cpus: 2 }));
    expect(refused).toEqual({
      code: 'NotPossibleNow',
      message: 'An environment cannot be changed while it is creating.',
    });
    const running = await untilStatus(plane.client, environment, 'Running');
    expect(running.cpus).toBe(1);
  });

  test('deleting while it is created deletes it, and keeps the disk unless it is asked for', async () => {
    const environment = await ask();
    await plane.client.deleteEnvironment({ params: paramsOf(environment), query: {} });
    await untilTrue(async () => (await plane.client.listAllEnvironments()).length === 0, 'it is gone');
    expect(await plane.client.listDisks()).toMatchObject([{ attachedTo: null }]);
  });

  test('of two opposite requests at once one is taken and the other told why not, or taken after it', async () => {
    const environment = await create();
    const params = paramsOf(environment);
    const outcomes = await Promise.all([
      refusal(plane.client.stopEnvironment({ params, query: {} })),
      refusal(update(environment, { bootDiskGiB: 2 })),
      refusal(plane.client.sleepEnvironment({ params })),
    ]);
    const taken = outcomes.filter((outcome) => outcome === null);
    expect(taken.length).toBeGreaterThan(0);
    for (const outcome of outcomes) if (outcome !== null) expect(outcome.code).toBe('NotPossibleNow');
    const settled = await untilOperationEnds(environment);
    expect(['Running', 'Stopped', 'Asleep']).toContain(settled.status);
  });
});
