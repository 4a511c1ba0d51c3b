import {
  hasProcesses,
  type ChangeEffect,
  type EnvironmentStatus,
  type EnvironmentUpdate,
  type FieldChange,
} from '@terrarium/contract';
import { textOf, type EnvironmentSpec } from './spec.ts';

/** What the effect of a change depends on. */
export interface ChangeFacts {
  readonly status: EnvironmentStatus;
  readonly name: string;
  readonly spec: EnvironmentSpec;
  readonly disk: { readonly name: string; readonly sizeGiB: number };
  /** What its processes take now, where that is known. */
  readonly memoryUsedGiB: number | null;
  readonly canLimitLive: boolean;
  readonly growsOnline: boolean;
}

const lost = 'Kernels and their variables are lost; files are kept.';

/** What each field of the request that differs from what is would do, in the order of the form. */
export function changesOf(request: EnvironmentUpdate, facts: ChangeFacts): FieldChange[] {
  const { spec, disk } = facts;
  const isAlive = hasProcesses(facts.status);
  const changes: FieldChange[] = [];
  const add = (field: FieldChange['field'], effect: ChangeEffect, sentence: string): void => {
    changes.push({ field, effect, sentence });
  };
  const restarting = (field: FieldChange['field'], what: string): void => {
    if (isAlive) add(field, 'restart', `It restarts with ${what}. ${lost}`);
    else add(field, 'nothing', `It has ${what} from the next start on.`);
  };
  const rebuilding = (field: FieldChange['field'], what: string): void => {
    const ends = isAlive ? ' Kernels and their variables are lost too.' : '';
    const sentence = `The machine is rebuilt with ${what}: its boot disk, with all that was installed outside /home/jupyter, is lost.${ends} The disk is kept.`;
    add(field, 'rebuild', sentence);
  };
  const limiting = (field: 'cpus' | 'memoryGiB', what: string, problem: string | null): void => {
    if (!isAlive || (facts.canLimitLive && problem === null)) {
      add(
        field,
        'nothing',
        isAlive ? `It has ${what} at once; nothing ends.` : `It has ${what} from the next start on.`,
      );
    } else add(field, 'restart', `${problem ?? ''}It restarts with ${what}. ${lost}`);
  };

  if (request.name !== undefined && request.name !== facts.name) {
    add(
      'name',
      'nothing',
      `It is called "${request.name}" at once; kernels that run see the old name in RUNTIME_NAME.`,
    );
  }
  if (request.image !== undefined && request.image !== spec.image) rebuilding('image', `image "${request.image}"`);
  if (request.cpus !== undefined && request.cpus !== spec.cpus) {
    limiting('cpus', request.cpus === 1 ? '1 CPU' : `${String(request.cpus)} CPUs`, null);
  }
  if (request.memoryGiB !== undefined && request.memoryGiB !== spec.memoryGiB) {
    const used = facts.memoryUsedGiB;
    const problem =
      used !== null && used > request.memoryGiB ? `Its processes take ${used.toFixed(1)} GiB now. ` : null;
    limiting('memoryGiB', `${String(request.memoryGiB)} GiB of memory`, problem);
  }
  if (request.gpus !== undefined && request.gpus !== spec.gpus) {
    restarting('gpus', request.gpus === 1 ? '1 GPU' : `${String(request.gpus)} GPUs`);
  }
  if (request.bootDiskGiB !== undefined && request.bootDiskGiB !== spec.bootDiskGiB) {
    rebuilding('bootDiskGiB', `a boot disk of ${String(request.bootDiskGiB)} GiB`);
  }
  const isOtherDisk = request.diskName !== undefined && request.diskName !== disk.name;
  if (isOtherDisk) {
    restarting(
      'diskName',
      `disk "${request.diskName ?? ''}" at /home/jupyter; disk "${disk.name}" is detached and kept`,
    );
  } else if (request.diskGiB !== undefined && request.diskGiB !== disk.sizeGiB) {
    const what = `Disk "${disk.name}" grows to ${String(request.diskGiB)} GiB`;
    if (!isAlive || facts.growsOnline) add('diskGiB', 'nothing', `${what} at once; nothing ends.`);
    else add('diskGiB', 'restart', `${what}, which takes a restart here. ${lost}`);
  }
  if (request.startupScript !== undefined && request.startupScript !== spec.startupScript) {
    const runs = request.startupScriptRuns ?? spec.startupScriptRuns;
    add('startupScript', 'nothing', scriptSentence(request.startupScript, runs));
  } else if (request.startupScriptRuns !== undefined && request.startupScriptRuns !== spec.startupScriptRuns) {
    add('startupScriptRuns', 'nothing', scriptSentence(spec.startupScript, request.startupScriptRuns));
  }
  if (
    request.environmentVariables !== undefined &&
    textOf(request.environmentVariables) !== textOf(spec.environmentVariables)
  ) {
    add(
      'environmentVariables',
      'nothing',
      'Kernels and terminals that start from now on have them; those that run keep the old ones.',
    );
  }
  if (request.labels !== undefined && textOf(request.labels) !== textOf(spec.labels)) {
    add('labels', 'nothing', 'It has these labels at once; nothing ends.');
  }
  if (request.autopauseMinutes !== undefined && request.autopauseMinutes !== spec.autopauseMinutes) {
    add('autopauseMinutes', 'nothing', idleSentence(request.autopauseMinutes, 'is paused', 'pauses'));
  }
  if (request.sleepMinutes !== undefined && request.sleepMinutes !== spec.sleepMinutes) {
    add('sleepMinutes', 'nothing', idleSentence(request.sleepMinutes, 'falls asleep', 'falls asleep'));
  }
  return changes;
}

const strength: readonly ChangeEffect[] = ['nothing', 'restart', 'rebuild'];

/** The strongest effect of them. */
export function effectOf(changes: readonly FieldChange[]): ChangeEffect {
  return strength.findLast((effect) => changes.some((change) => change.effect === effect)) ?? 'nothing';
}

function scriptSentence(script: string, runs: EnvironmentSpec['startupScriptRuns']): string {
  if (script.trim() === '') return 'No script runs from the next start on.';
  return runs === 'once'
    ? 'The script runs when the boot disk is new: at the next rebuild.'
    : 'The script runs at each start, from the next on.';
}

function idleSentence(minutes: number, what: string, never: string): string {
  return minutes === 0
    ? `It never ${never} by itself.`
    : `It ${what} after ${String(minutes)} idle ${minutes === 1 ? 'minute' : 'minutes'}; nothing ends now.`;
}
