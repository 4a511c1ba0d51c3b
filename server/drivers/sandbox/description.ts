import os from 'node:os';
import type { ComputeDriver } from '../../environments/compute-driver.ts';
import type { Abilities } from './abilities.ts';
import type { Cgroups } from './machine-groups.ts';
import { buildOf } from './build.ts';
import { readKernelsManifest, type KernelsManifest } from './kernels-manifest.ts';

export function limitsOfHost(): { maxCpus: number; maxMemoryBytes: number } {
  return { maxCpus: os.availableParallelism(), maxMemoryBytes: os.totalmem() };
}

/** The one image of the sandbox is this machine with its kernels; the notes say what is weaker here and what to do. */
export async function describeSandbox(
  parts: { agentBundle: string; nodeBinary: string; kernelsManifest: string },
  abilities: Abilities,
  cgroups: Cgroups,
): ReturnType<ComputeDriver['describe']> {
  const manifest = await readKernelsManifest(parts.kernelsManifest);
  return {
    images: [
      {
        reference: 'machine',
        title: 'This machine',
        description: 'The kernels and packages that are installed on the machine where Terrarium runs.',
        kernels: manifest.kernels,
        packages: manifest.packages,
        isDefault: true,
      },
    ],
    notes: [...isolationNotes(abilities, cgroups), ...kernelNotes(manifest), ...manifest.notes],
    ...limitsOfHost(),
    build: await buildOf(parts),
    maxGpus: 0,
    // Where no group can be brought to rest, processes are stopped one by one.
    canSleep: true,
    canLimitLive: !cgroups.missing.includes('memory') && !cgroups.missing.includes('cpu'),
  };
}

function isolationNotes({ isolation, isRoot, bubblewrapProblem }: Abilities, { missing }: Cgroups): string[] {
  const notes: string[] = [];
  if (isolation === 'plain') {
    notes.push(
      `Environments are not separated from this machine or from one another, because bubblewrap cannot be used (${bubblewrapProblem ?? 'unknown'}): their kernels can read and change whatever the user who runs Terrarium can. Install it (apt install bubblewrap) and start Terrarium again.`,
    );
  }
  if (!isRoot) {
    notes.push(
      'Terrarium runs without root, so disk sizes are not enforced and packages can be installed only for the user inside. Run it as root to have both.',
    );
  }
  if (missing.length > 0) {
    const names = { memory: 'memory', cpu: 'CPU', pids: 'number of processes' };
    const what = missing.map((one) => names[one]).join(', ');
    notes.push(
      `The limits that an environment has on ${what} are not enforced, because control groups cannot be written here. Run Terrarium as root, or under a service manager that delegates control groups to it.`,
    );
  }
  return notes;
}

function kernelNotes({ kernels, notes }: KernelsManifest): string[] {
  // Whoever prepared the kernels knows better what went wrong.
  const has = (language: RegExp): boolean => kernels.some((kernel) => language.test(kernel.language));
  const told = (language: RegExp): boolean => notes.some((note) => language.test(note));
  const missing: string[] = [];
  if (!has(/^python$/i) && !told(/python/i)) {
    missing.push(
      'There is no Python kernel here. Install Python 3 with ipykernel (apt install python3-ipykernel) and run npm start again.',
    );
  }
  if (!has(/^r$/i) && !told(/\bR\b/)) {
    missing.push(
      'There is no R kernel here. Install R with IRkernel (apt install r-cran-irkernel) and run npm start again.',
    );
  }
  return missing;
}
