import fs from 'node:fs';
import path from 'node:path';
import { optionally, readGroupFile } from './group-files.ts';
import { readProcess, signal, until, type ProcessFact } from './processes.ts';

/** A machine that runs, as far as it can be brought to rest. */
export interface Freezable {
  readonly groups: readonly string[];
  readonly first: ProcessFact;
  /** Every process that has to rest, parents before their children. */
  processes(): ProcessFact[];
}

const freezeTimeoutMs = 5000;

type FreezerGroup = { readonly version: 1 | 2; readonly file: string; readonly directory: string };

/**
 * Which of the machine's groups the kernel can bring to rest as a whole, or null: then its processes are stopped one by
 * one. Asked of the groups that the machine was started in, which may be of another make than new ones would be.
 */
function freezerGroup(groups: readonly string[]): FreezerGroup | null {
  for (const directory of groups) {
    if (readGroupFile(directory, 'cgroup.freeze') !== '') return { version: 2, file: 'cgroup.freeze', directory };
    if (readGroupFile(directory, 'freezer.state') !== '') return { version: 1, file: 'freezer.state', directory };
  }
  return null;
}

/** Whether it rests, or has been told to. */
export function isFrozen({ groups, first }: Freezable): boolean {
  const group = freezerGroup(groups);
  if (group === null) return readProcess(first.pid)?.isStopped === true;
  const state = readGroupFile(group.directory, group.file).trim();
  return state === '1' || state === 'FROZEN' || state === 'FREEZING';
}

/**
 * Brings every process to rest. The first one rests first and goes on last, so that a machine whose processes are stopped
 * one by one is never taken for awake while some of them are not.
 * @returns false when some could not be brought to rest in time; then all of them go on
 */
export async function freeze(machine: Freezable): Promise<boolean> {
  if (await until(() => tellToRest(machine), freezeTimeoutMs)) return true;
  thaw(machine);
  return false;
}

/** @returns whether all of it rests */
function tellToRest(machine: Freezable): boolean {
  const group = freezerGroup(machine.groups);
  if (group === null) {
    const awake = machine.processes().filter((one) => !one.isStopped);
    for (const one of awake) signal(one, 'SIGSTOP');
    return awake.length === 0;
  }
  // Version 1 gives up on a process that cannot rest just now, and tries again when it is told again.
  write(group, true);
  return group.version === 2
    ? /^frozen 1$/m.test(readGroupFile(group.directory, 'cgroup.events'))
    : readGroupFile(group.directory, group.file).trim() === 'FROZEN';
}

/** Lets it go on where it was. */
export function thaw(machine: Freezable): void {
  thawGroups(machine.groups);
  if (freezerGroup(machine.groups) !== null) return;
  // Children first: a shell that sees its child stopped would report that to the person.
  for (const one of machine.processes().toReversed()) if (one.isStopped) signal(one, 'SIGCONT');
}

/** Lets whatever is left in the groups go on, so that it can end. */
export function thawGroups(groups: readonly string[]): void {
  const group = freezerGroup(groups);
  if (group !== null)
    optionally(() => {
      write(group, false);
    });
}

/** Does `work` while nothing in the groups can multiply, where the kernel has a way to see to that. */
export function whileAtRest(groups: readonly string[], work: () => void): void {
  const group = freezerGroup(groups);
  if (group !== null)
    optionally(() => {
      write(group, true);
    });
  try {
    work();
  } finally {
    thawGroups(groups);
  }
}

function write({ version, file, directory }: FreezerGroup, rest: boolean): void {
  const text = version === 2 ? (rest ? '1' : '0') : rest ? 'FROZEN' : 'THAWED';
  fs.writeFileSync(path.join(directory, file), text);
}
