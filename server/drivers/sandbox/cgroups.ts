import fs from 'node:fs';
import path from 'node:path';
import { optionally, readGroupFile as read } from './group-files.ts';
import { legacyGroups } from './legacy-groups.ts';
import { controllers, type Cgroups, type Controller } from './machine-groups.ts';
import { unifiedGroups } from './unified-groups.ts';

/**
 * Finds where groups can be made, by making one. `prefix` names this installation, so that two never share a group.
 * @param options.root  '/' but for tests
 */
export function findCgroups(
  prefix: string,
  { root = '/', without = [] }: { root?: string; without?: readonly string[] } = {},
): Cgroups {
  const own = parseOwn(read(path.join(root, 'proc/self/cgroup')));
  const mounts = parseMounts(read(path.join(root, 'proc/self/mountinfo')));
  const unified = without.includes('unified-groups') ? undefined : mounts.find((mount) => mount.type === 'cgroup2');
  if (unified !== undefined) {
    const parent = unifiedParent(path.join(root, unified.place), own.get('') ?? '/', prefix);
    if (parent !== null) return unifiedGroups(parent, prefix);
  }
  /** Below our own group, so that limits which somebody set on us hold for the machines too. */
  const parentIn = (mount: Mount | undefined, controller: string, needs: string): string | undefined => {
    if (mount === undefined) return undefined;
    const place = path.join(root, mount.place);
    // The path counts from the hierarchy's root, which may not be what is mounted here (in a container).
    const candidates = [path.join(place, own.get(controller) ?? '/'), place];
    return candidates.find((candidate) => canMakeGroup(candidate, prefix, needs));
  };
  const legacy = (controller: string): Mount | undefined =>
    mounts.find((one) => one.type === 'cgroup' && one.options.includes(controller));
  const parents = new Map<Controller, string>();
  for (const controller of controllers) {
    const parent = parentIn(legacy(controller), controller, 'cgroup.procs');
    if (parent !== undefined) parents.set(controller, parent);
  }
  // Of the two that can bring a group to rest the unified one is better: what it froze can still be killed. Beside the
  // hierarchies of version 1 it is often mounted without any controller.
  const freezer =
    parentIn(unified, '', 'cgroup.freeze') ??
    parentIn(without.includes('freezer-groups') ? undefined : legacy('freezer'), 'freezer', 'freezer.state');
  return legacyGroups(parents, freezer ?? null, prefix);
}

/**
 * A group with processes in it cannot hand controllers down (but for the root), so ours go beside the one we are in, or
 * at the top. Beside is also what survives when a service manager ends our own group.
 */
function unifiedParent(place: string, own: string, prefix: string): string | null {
  const candidates = [path.dirname(own), own, '/'].map((one) => path.join(place, one));
  for (const candidate of candidates) {
    const parent = path.join(candidate, prefix);
    try {
      fs.mkdirSync(parent, { recursive: true });
      const offered = read(path.join(candidate, 'cgroup.controllers')).split(/\s+/);
      const wanted = controllers.filter((controller) => offered.includes(controller));
      if (wanted.length === 0) throw new Error('no controller is offered here');
      const enable = wanted.map((controller) => `+${controller}`).join(' ');
      const enabled = read(path.join(candidate, 'cgroup.subtree_control')).split(/\s+/);
      if (wanted.some((controller) => !enabled.includes(controller))) {
        fs.writeFileSync(path.join(candidate, 'cgroup.subtree_control'), enable);
      }
      fs.writeFileSync(path.join(parent, 'cgroup.subtree_control'), enable);
      if (canMakeGroup(parent, prefix, 'cgroup.procs')) return parent;
    } catch {
      // The next place may do.
    }
    optionally(() => {
      fs.rmdirSync(parent);
    });
  }
  return null;
}

/** @param needs  a file that the kernel has to make with each group */
function canMakeGroup(parent: string, prefix: string, needs: string): boolean {
  const probe = path.join(parent, `${prefix}-probe${String(process.pid)}`);
  try {
    // Not recursive: a parent that is not there is not ours to make.
    fs.mkdirSync(probe);
    fs.accessSync(path.join(parent, 'cgroup.procs'), fs.constants.W_OK);
    return needs === 'cgroup.procs' || fs.existsSync(path.join(probe, needs));
  } catch {
    return false;
  } finally {
    optionally(() => {
      fs.rmdirSync(probe);
    });
  }
}

/** Controller -> path of our own group; '' is the unified hierarchy. cgroups(7) */
function parseOwn(text: string): Map<string, string> {
  const own = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    for (const controller of match?.[1]?.split(',') ?? []) own.set(controller, match?.[2] ?? '/');
  }
  return own;
}

interface Mount {
  readonly place: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** proc_pid_mountinfo(5) */
function parseMounts(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const place = before.split(' ')[4];
    const [type = '', , options = ''] = after.split(' ');
    return place === undefined || !type.startsWith('cgroup') ? [] : [{ place, type, options: options.split(',') }];
  });
}
