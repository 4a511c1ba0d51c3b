import path from 'node:path';
import { markerVariable } from './inside.ts';
import type { MachinePaths } from './machine-files.ts';
import { allPids, argumentsOf, readProcess, signal, until, variableOf, type ProcessFact } from './processes.ts';

/**
 * The processes of a machine that are outside its namespaces (all of them, where it has none).
 * A person inside can name a process of theirs as they like, so what counts is what they cannot have: the control plane's
 * uid and a place outside, or the first place inside, of the pid namespace.
 */
export function outsideProcesses(directory: string): ProcessFact[] {
  return allPids().flatMap((pid) => {
    const found = machineOf(pid);
    return found?.directory === directory ? [found.process] : [];
  });
}

/** Directories of all machines below `machinesDirectory` that have a process. */
export function directoriesWithProcesses(machinesDirectory: string): Set<string> {
  const directories = allPids().flatMap((pid) => machineOf(pid)?.directory ?? []);
  return new Set(directories.filter((directory) => path.dirname(directory) === machinesDirectory));
}

function machineOf(pid: number): { directory: string; process: ProcessFact } | null {
  if (pid === process.pid) return null;
  const directory = variableOf(pid, markerVariable) ?? directoryInArguments(argumentsOf(pid));
  if (directory === null) return null;
  const found = readProcess(pid);
  if (found === null || found.uid !== process.getuid?.()) return null;
  const depth = found.namespacePids.length;
  return depth === 1 || (depth === 2 && found.namespacePids[1] === 1) ? { directory, process: found } : null;
}

/** For processes whose environment may not be read: the launcher and bubblewrap name the machine's files. */
function directoryInArguments(args: readonly string[]): string | null {
  const program = path.basename(args[0] ?? '');
  const named =
    program === 'sh' || program === 'unshare'
      ? args.find((arg) => path.isAbsolute(arg) && path.basename(arg) === 'launch.sh')
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
    processes.find((found) => argumentsOf(found.pid)[2] === paths.agentConfig) ??
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
 * @param known  processes of it that were seen before; one that is just ending no longer shows whose it was, but still
 *   holds mounts and locks
 */
export async function endAll(
  directory: string,
  known: readonly ProcessFact[],
  extraPids: () => number[],
): Promise<boolean> {
  const seen = new Map(known.map((one) => [one.pid, one]));
  return until(() => {
    for (const one of [...outsideProcesses(directory), ...extraPids().flatMap((pid) => readProcess(pid) ?? [])]) {
      seen.set(one.pid, one);
    }
    for (const one of seen.values()) {
      if (readProcess(one.pid)?.startTicks === one.startTicks) signal(one, 'SIGKILL');
      else seen.delete(one.pid);
    }
    return seen.size === 0;
  }, 10_000);
}
