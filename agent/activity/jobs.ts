import type { ProcessDetails } from './process-details.ts';
import type { ProcessFacts } from './processes.ts';

/**
 * What a process is when it does nothing:
 * job: somebody started it and waits for its end; service: it waits for others, for as long as there is a machine;
 * helper: a kernel's or another program's own worker; holder: a shell at its prompt or a window of terminals.
 */
export type ProcessKind = 'job' | 'service' | 'helper' | 'holder';

interface Facts {
  readonly all: readonly ProcessFacts[];
  readonly details: (pid: number) => ProcessDetails;
  readonly kernels: readonly { readonly pid: number | null }[];
  /** Processes that the startup script left behind. */
  readonly ofStartup: ReadonlySet<number>;
}

const shells = new Set(['bash', 'sh', 'dash', 'zsh', 'fish', 'ksh', 'csh', 'tcsh']);
const terminalWindows = new Set(['tmux', 'screen']);
/** How Python's, joblib's and R's worker processes are called. */
const workers = /\bmultiprocessing[.\s]|\bloky\b|\bworkRSOCK\b|\.workCommand\b/;

/** Tells what each process is. Kernels, and what is about to be told of them, are not asked about. */
export function createKindOf(facts: Facts): (process: ProcessFacts) => ProcessKind {
  const { all, details, kernels, ofStartup } = facts;
  const byPid = new Map(all.map((one) => [one.pid, one]));
  const kernelPids = new Set(kernels.map(({ pid }) => pid));
  const kernelArgs = new Set([...kernelPids].flatMap((pid) => (pid === null ? [] : [details(pid).args.join('\0')])));
  const listening = all.filter(({ pid }) => details(pid).isListening && !kernelPids.has(pid));
  const services = new Set(listening.map(({ pid }) => pid));
  // A server's parent and its workers belong to it; what has a session of its own, as in a terminal of it, does not.
  for (const one of all) {
    const above = listenerAbove(one);
    if (above) services.add(one.pid);
  }
  for (const server of listening) {
    for (let parent = byPid.get(server.parent); parent?.session === server.session; parent = byPid.get(parent.parent)) {
      services.add(parent.pid);
    }
  }

  function listenerAbove({ session, parent }: ProcessFacts): boolean {
    for (let current = byPid.get(parent); current?.session === session; current = byPid.get(current.parent)) {
      if (kernelPids.has(current.pid)) return false;
      if (details(current.pid).isListening) return true;
    }
    return false;
  }

  /** `server | tee log` ends when the server does. */
  function isPipedToService(pid: number): boolean {
    const { input, outputs } = details(pid);
    return listening.some((server) => {
      const its = details(server.pid);
      return (input !== null && its.outputs.includes(input)) || (its.input !== null && outputs.includes(its.input));
    });
  }

  return ({ pid, command }) => {
    const { args, input } = details(pid);
    const program = /[^/]*$/.exec((args[0] ?? command).replace(/^-/, ''))?.[0] ?? command;
    const isPrompt = shells.has(program) && input === null && args.slice(1).every(isInteractiveFlag);
    if (isPrompt || terminalWindows.has(program) || command.startsWith('tmux')) return 'holder';
    if (kernelArgs.has(args.join('\0')) || workers.test(args.join(' '))) return 'helper';
    if (services.has(pid) || ofStartup.has(pid) || isPipedToService(pid)) return 'service';
    return 'job';
  };
}

function isInteractiveFlag(argument: string): boolean {
  return /^--?[a-z-]+$/i.test(argument) && !/^-[a-z]*c/.test(argument);
}
