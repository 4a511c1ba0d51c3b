import path from 'node:path';
import { whileAtRest } from './freezer.ts';
import { processesIn } from './group-files.ts';
import { markerVariable } from './inside.ts';
import type { MachinePaths } from './machine-files.ts';
import { allPids, argumentsOf, readProcess, signal, until, variableOf, type ProcessFact } from './processes.ts';

const launcherName = 'launch.sh';
/** For how long an end waits for processes that do not show whose they are. A program may hide that for ever. */
const undecidedMs = 3000;

/**
 * The processes of a machine that are outside its namespaces (all of them, where it has none).
 * A person inside can name a process of theirs as they like, so what counts is what they cannot have: the control plane's
 * uid and a place outside, or the first place inside, of the pid namespace.
 */
export function outsideProcesses(directory: string): ProcessFact[] {
  return lookFor(directory).found;
}

/** @returns also whether some process did not show whose it is */
function lookFor(directory: string): { found: ProcessFact[]; isUndecided: boolean } {
  const found: ProcessFact[] = [];
  let isUndecided = false;
  for (const pid of allPids()) {
    const machine = machineOf(pid);
    if (machine === 'undecided') isUndecided = true;
    else if (machine?.directory === directory) found.push(machine.process);
  }
  return { found, isUndecided };
}

/** Every process of a machine but those that look after it from outside, parents before their children. */
export function restingProcesses(directory: string, first: ProcessFact): ProcessFact[] {
  const all = allPids().flatMap((pid) => readProcess(pid) ?? []);
  // What lost its parent in a pid namespace is adopted by the first process there.
  const below = withChildren(
    all.filter((one) => one.pid === first.pid),
    all,
  );
  if (first.namespacePids.length > 1) return below;
  const marked = outsideProcesses(directory);
  const launchers = marked.filter((one) => argumentsOf(one.pid).some((text) => path.basename(text) === launcherName));
  const known = new Set([...below, ...withChildren(launchers, all)].map((one) => one.pid));
  return [...below, ...marked.filter((one) => !known.has(one.pid))];
}

function withChildren(roots: readonly ProcessFact[], all: readonly ProcessFact[]): ProcessFact[] {
  const found = new Map(roots.map((one) => [one.pid, one]));
  // A map goes on to what is added to it meanwhile.
  for (const { pid } of found.values())
    for (const one of all) if (one.parent === pid && !found.has(one.pid)) found.set(one.pid, one);
  return [...found.values()];
}

/** Directories of all machines below `machinesDirectory` that have a process. */
export function directoriesWithProcesses(machinesDirectory: string): Set<string> {
  const directories = allPids().flatMap((pid) => {
    const machine = machineOf(pid);
    return machine === null || machine === 'undecided' ? [] : [machine.directory];
  });
  return new Set(directories.filter((directory) => path.dirname(directory) === machinesDirectory));
}

/**
 * Whose process it is. While a process is becoming another program /proc shows neither its arguments nor its environment;
 * on a host under load that takes long enough to be met.
 */
function machineOf(pid: number): { directory: string; process: ProcessFact } | 'undecided' | null {
  if (pid === process.pid) return null;
  const found = readProcess(pid);
  if (found === null || found.uid !== process.getuid?.()) return null;
  const depth = found.namespacePids.length;
  // Asked first: a program inside can make a look at its memory take for ever.
  if (depth > 2 || (depth === 2 && found.namespacePids[1] !== 1)) return null;
  const shown = directoryShownBy(pid);
  if (shown === null) return null;
  if (shown === 'nothing') return found.isProgram ? 'undecided' : null;
  return { directory: shown.directory, process: found };
}

function directoryShownBy(pid: number): { directory: string } | 'nothing' | null {
  const environment = variableOf(pid, markerVariable);
  if (environment.value !== null) return { directory: environment.value };
  const args = argumentsOf(pid);
  const named = directoryInArguments(args);
  if (named !== null) return { directory: named };
  if (!environment.isEmpty) return null;
  if (args.every((text) => text === '')) return 'nothing';
  // It may have become what it is between the two looks.
  const again = variableOf(pid, markerVariable).value;
  return again === null ? null : { directory: again };
}

/** For processes whose environment may not be read: the launcher and bubblewrap name the machine's files. */
function directoryInArguments(args: readonly string[]): string | null {
  const program = path.basename(args[0] ?? '');
  const named =
    program === 'sh' || program === 'unshare'
      ? args.find((arg) => path.isAbsolute(arg) && path.basename(arg) === launcherName)
      : program === 'bwrap'
        ? args.find(
            (arg) => path.isAbsolute(arg) && path.basename(arg) === 'agent.json' && !arg.startsWith('/run/terrarium/'),
          )
        : undefined;
  return named === undefined ? null : path.dirname(named);
}

/** The first process of a machine's pid namespace; where there is none, the agent. Its end is the machine's end. */
export function firstProcess(processes: readonly ProcessFact[], paths: MachinePaths): ProcessFact | null {
  return (
    processes.find((found) => found.namespacePids.length === 2) ??
    processes.find((found) => argumentsOf(found.pid).includes(paths.agentConfig)) ??
    null
  );
}

/** The agent itself: the first child in the namespace, or the first process where there is no namespace. */
export function agentProcess(first: ProcessFact): ProcessFact | null {
  if (first.namespacePids.length === 1) return first;
  for (const pid of allPids()) {
    const found = readProcess(pid);
    if (found?.parent === first.pid && found.namespacePids.at(-1) === 2) return found;
  }
  return null;
}

/**
 * Ends everything that is left of a machine. Ending the first process ends all in its namespace; the kernel does that.
 * INVARIANT: it says that nothing is left only after a look at which every process showed whose it is.
 * @param known  processes of it that were seen before; one that is just ending no longer shows whose it was, but still
 *   holds mounts and locks
 * @param groups  control groups in which all processes are the machine's
 */
export async function endAll(
  directory: string,
  known: readonly ProcessFact[],
  groups: readonly string[],
): Promise<boolean> {
  const seen = new Map(known.map((one) => [one.pid, one]));
  const undecidedUntil = performance.now() + undecidedMs;
  return until(() => {
    let isSure = true;
    whileAtRest(groups, () => {
      const { found, isUndecided } = lookFor(directory);
      isSure = !isUndecided || performance.now() > undecidedUntil;
      for (const one of [...found, ...processesIn(groups).flatMap((pid) => readProcess(pid) ?? [])])
        seen.set(one.pid, one);
      for (const one of seen.values()) {
        if (readProcess(one.pid)?.startTicks === one.startTicks) signal(one, 'SIGKILL');
        else seen.delete(one.pid);
      }
    });
    return isSure && seen.size === 0;
  }, 10_000);
}
