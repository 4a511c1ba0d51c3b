import type { EnvironmentStatus } from '@terrarium/contract';
import { accountStore } from '../../server/accounts/store.ts';
import { billingStore } from '../../server/billing/store.ts';
import type { ChargeRow } from '../../server/cost/store.ts';
import type { DiskRow } from '../../server/disks/store.ts';
import type { MachineSpec } from '../../server/environments/compute-driver.ts';
import type { EnvironmentSpec } from '../../server/environments/spec.ts';
import type { EnvironmentRow } from '../../server/environments/store.ts';
import type { OperationRow, StepRow } from '../../server/environments/timeline/store.ts';
import type { Database } from '../../server/plumbing/db/database.ts';
import { workspaceStore } from '../../server/workspaces/store.ts';

export const project = 'everybody';
export const people = 1000;
const workspaces = 100;
const environmentsEach = 10;
const workspacesEach = 5;
const operationsEach = 10;
const stepsOf = { create: ['create-machine', 'start-machine', 'await-agent'], start: ['start-machine', 'await-agent'] };
const hourMs = 3_600_000;
const gib = 2 ** 30;

export const accountIdOf = (person: number): string => `account${String(person)}`;
export const workspaceNameOf = (person: number, turn: number): string =>
  `w-${String((person * workspacesEach + (turn % workspacesEach)) % workspaces)}`;
export const secretOf = (environmentId: string): string => `secret-${environmentId}`;

const spec: EnvironmentSpec = {
  image: 'machine',
  cpus: 2,
  memoryGiB: 4,
  gpus: 0,
  bootDiskGiB: 10,
  environmentVariables: { MODEL: 'base', SEED: '1' },
  startupScript: 'pip install --quiet a-package\n',
  labels: {},
  startupScriptRuns: 'everyStart',
  autopauseMinutes: 0,
  sleepMinutes: 0,
};

export interface Member {
  readonly id: string;
  readonly diskId: string;
  readonly status: Extract<EnvironmentStatus, 'Running' | 'Asleep' | 'Stopped'>;
}

/** One of ten runs, three sleep. */
function statusOf(turn: number): Member['status'] {
  return turn < 1 ? 'Running' : turn < 4 ? 'Asleep' : 'Stopped';
}

export function machineOf({ id, diskId }: Member): MachineSpec {
  return {
    id,
    image: spec.image,
    cpus: spec.cpus,
    memoryBytes: spec.memoryGiB * gib,
    bootDiskBytes: spec.bootDiskGiB * gib,
    diskId,
    agent: { secret: secretOf(id), environmentVariables: {}, warmKernel: null },
  };
}

interface Tables {
  environments: EnvironmentRow;
  disks: DiskRow;
  environment_operations: OperationRow;
  environment_steps: StepRow;
  charges: ChargeRow;
}

/** Every environment, of each person in turn. */
export function everyMember(): Member[] {
  return Array.from({ length: people }, (_, person) =>
    Array.from({ length: environmentsEach }, (__, turn) => memberOf(person, turn)),
  ).flat();
}

function memberOf(person: number, turn: number): Member {
  const key = `${String(person)}x${String(turn)}`;
  return { id: `environment${key}`, diskId: `disk${key}`, status: statusOf(turn) };
}

/** Writes a thousand people with ten environments each, and what these have been through. */
export async function populate(database: Database, ownerEmail: string, now: number): Promise<void> {
  await database.quickTransaction(async (inside) => {
    const accounts = accountStore(inside);
    const places = workspaceStore(inside);
    const account = { password_hash: null, created_at: now };
    await accounts.insertAccount({ ...account, id: 'owner', email: ownerEmail, name: 'Owner', is_operator: 1 });
    await billingStore(inside).insert({ name: project, description: '', created_at: now }, 'owner');
    for (let index = 0; index < workspaces; index++) {
      const name = `w-${String(index)}`;
      const id = `workspace${String(index)}`;
      const row = { id, namespace: project, name, bucket: `terrarium-${id}`, owner_id: 'owner' };
      await places.insert({ ...row, description: 'A study of many.', created_at: now, updated_at: now });
    }
    for (let person = 0; person < people; person++) {
      const id = accountIdOf(person);
      await accounts.insertAccount({ ...account, id, email: `${id}@example.org`, name: id, is_operator: 0 });
      for (let turn = 0; turn < workspacesEach; turn++) {
        const workspaceId = workspaceNameOf(person, turn).replace('w-', 'workspace');
        const rights = { role: 'WRITER' as const, can_share: 0, can_compute: 1, is_pending: 0 };
        await places.putMember({ workspace_id: workspaceId, account_id: id, ...rights });
      }
      for (let turn = 0; turn < environmentsEach; turn++) await addEnvironment(inside, person, turn, now);
    }
  });
}

async function addEnvironment(inside: Database, person: number, turn: number, now: number): Promise<void> {
  const tables = tablesOf(inside);
  const member = memberOf(person, turn);
  const { id, diskId, status } = member;
  const createdAt = now - operationsEach * hourMs;
  const place = {
    workspace_id: workspaceNameOf(person, turn).replace('w-', 'workspace'),
    owner_id: accountIdOf(person),
  };
  const atRest = { deleted_at: null, deadline_at: null, run_at: null, attempts: 0, lease_until: null, fence: 5 };
  await tables
    .insertInto('disks')
    .values({
      ...place,
      ...atRest,
      id: diskId,
      name: `data-${String(turn)}`,
      kind: 'disk',
      copy_of: null,
      size_gib: 50,
      grows_to_gib: null,
      used_bytes: 3 * gib,
      desired: 'present',
      status: 'Ready',
      reason: null,
      environment_id: id,
      last_attached_at: createdAt,
      created_at: createdAt,
    })
    .execute();
  await tables
    .insertInto('environments')
    .values({
      ...place,
      ...atRest,
      id,
      name: `env-${String(turn)}`,
      spec: JSON.stringify(spec),
      disk_id: diskId,
      agent_secret: secretOf(id),
      desired: status === 'Running' ? 'running' : status === 'Asleep' ? 'asleep' : 'stopped',
      delete_disk: 0,
      intent: operationsEach,
      status,
      reason: null,
      created_at: createdAt,
      started_at: status === 'Stopped' ? null : now - hourMs,
      last_activity_at: now,
      applied: null,
      script_outcome: status === 'Stopped' ? null : '',
      keep_until: null,
      pauses_when_idle: 0,
      chosen_at: createdAt + turn,
      asleep_lists: status === 'Asleep' ? '{"kernels":[],"sessions":[],"terminals":[]}' : null,
    })
    .execute();
  await addPast(tables, member, place, createdAt);
}

/** Created, and then paused and resumed hour by hour. */
async function addPast(
  tables: ReturnType<typeof tablesOf>,
  { id, diskId }: Member,
  place: { workspace_id: string; owner_id: string },
  createdAt: number,
): Promise<void> {
  const operations: OperationRow[] = [];
  const steps: StepRow[] = [];
  const account = { workspace_id: place.workspace_id, account_id: place.owner_id };
  const disk = { id: `${diskId}c`, resource_id: diskId, category: 'Storage' as const, per_hour: 0.003 };
  const charges: ChargeRow[] = [{ ...disk, ...account, started_at: createdAt, ended_at: null }];
  for (let turn = 0; turn < operationsEach; turn++) {
    const kind = turn === 0 ? 'create' : turn % 2 === 1 ? 'stop' : 'start';
    const at = createdAt + turn * hourMs;
    const operation = { id: `${id}o${String(turn)}`, environment_id: id, started_at: at, ended_at: at + 2000 };
    operations.push({ ...operation, kind, reason: null, deadline_at: null, outcome: 'done' });
    for (const [index, step] of (kind === 'stop' ? ['stop-machine'] : stepsOf[kind]).entries()) {
      const took = { started_at: at + index * 500, ended_at: at + (index + 1) * 500 };
      const of = { id: `${operation.id}s${String(index)}`, environment_id: id, operation_id: operation.id };
      steps.push({ ...of, ...took, step, outcome: 'done', log: '' });
    }
    const charge = { id: `${id}c${String(turn)}`, resource_id: id, category: 'Compute' as const };
    const ended_at = turn === operationsEach - 1 ? null : at + hourMs;
    charges.push({ ...charge, ...account, per_hour: kind === 'stop' ? 0.001 : 0.2, started_at: at, ended_at });
  }
  await tables.insertInto('environment_operations').values(operations).execute();
  await tables.insertInto('environment_steps').values(steps).execute();
  await tables.insertInto('charges').values(charges).execute();
}

function tablesOf(database: Database) {
  return database.tables<Tables>();
}
