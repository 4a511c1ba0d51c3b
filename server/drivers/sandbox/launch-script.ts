import path from 'node:path';
import { inside, insideUser } from './inside.ts';
import type { MachinePaths } from './machine-files.ts';
import { bootFolders, viewArguments, type ViewFacts } from './view.ts';

/** The agent moves small messages: little young heap, one helper thread and small code cost it nothing measurable. */
const agentFlags = '--max-semi-space-size=1 --v8-pool-size=1 --optimize-for-size';

/** Exit codes of the launcher that say why nothing was started. */
export const launcherExit = { machineRuns: 75, diskAttached: 76 } as const;

/** What a volume is on the host: an ext4 image to mount, or a directory as it is. */
export type Volume = { readonly image: string } | { readonly directory: string };

export interface LaunchFacts {
  readonly paths: MachinePaths;
  readonly diskLock: string;
  readonly cgroups: readonly string[];
  readonly how:
    | {
        readonly isolation: 'root' | 'user';
        readonly boot: Volume;
        readonly disk: Volume;
        readonly view: Omit<ViewFacts, 'boot' | 'disk' | 'isolation'>;
      }
    | {
        readonly isolation: 'plain';
        readonly home: string;
        readonly nodeBinary: string;
        readonly agentBundle: string;
        readonly environment: Readonly<Record<string, string>>;
      };
}

/**
 * The shell script that becomes a machine's supervisor: it holds the locks, mounts, joins the groups, starts bubblewrap,
 * keeps the log within bounds and notes the exit code.
 *
 * INVARIANTS
 * - File descriptors 8 and 9 hold the locks of the machine and of its disk for as long as the supervisor lives, which is
 *   until bubblewrap ends, so the kernel itself refuses a second machine for the same id or the same disk to any other
 *   control plane. They are closed before anything of the person's runs. Should somebody kill the supervisor alone, /proc
 *   still shows the machine (machine-processes.ts).
 * - It runs in a mount namespace of its own, so mounts and loop devices go when the last of these processes goes.
 * - No secret is in it: it shows in process lists.
 */
export function launchScript(facts: LaunchFacts): string {
  const { paths } = facts;
  const join = facts.cgroups.map((directory) => `echo 0 > ${quote(path.join(directory, 'cgroup.procs'))}`);
  return [
    'umask 022',
    `exec 8<${quote(paths.lock)} 9<${quote(facts.diskLock)} 6>>${quote(paths.status)}`,
    // A process that is just ending shows no more in /proc what it was, and holds its locks for a moment longer.
    `flock -w 3 8 || exit ${String(launcherExit.machineRuns)}`,
    `flock -w 3 9 || exit ${String(launcherExit.diskAttached)}`,
    'keep_log() {',
    `  [ -s ${quote(paths.log)} ] && mv -f ${quote(paths.log)} ${quote(`${paths.log}.old`)}`,
    // dd writes what it reads at once; head and cat would sit on it.
    `  while dd bs=1024 count=2048 status=none of=${quote(paths.log)} && [ -s ${quote(paths.log)} ]; do`,
    `    mv -f ${quote(paths.log)} ${quote(`${paths.log}.old`)}`,
    '  done',
    '}',
    'supervise() {',
    '  (',
    '    set -e',
    ...(facts.how.isolation === 'plain' ? plainSteps(facts, join) : confinedSteps(facts.paths, facts.how, join)).map(
      (line) => `    ${line}`,
    ),
    '  )',
    `  echo "{\\"exit-code\\": $?, \\"ended-at\\": $(date +%s%3N)}" >&6`,
    '}',
    'supervise 2>&1 </dev/null | keep_log 6>&- 8<&- 9<&-',
    '',
  ].join('\n');
}

function confinedSteps(
  paths: MachinePaths,
  how: Exclude<LaunchFacts['how'], { isolation: 'plain' }>,
  join: string[],
): string[] {
  const disk = 'image' in how.disk ? path.join(paths.mounts, 'disk') : how.disk.directory;
  const boot = 'image' in how.boot ? path.join(paths.mounts, 'boot') : how.boot.directory;
  const overlay = path.join(paths.mounts, 'local');
  const root = how.isolation === 'root';
  const args = viewArguments({ ...how.view, isolation: how.isolation, boot, disk });
  // Closes what only the supervisor may hold, then gives up every privilege.
  const drop = root
    ? `setpriv --reuid ${String(insideUser.uid)} --regid ${String(insideUser.gid)} --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs `
    : '';
  const first = `echo "{\\"started\\": true}" >&6; exec 6>&- 8<&- 9<&- 7>&-; exec ${drop}"$@"`;
  return [
    ...('image' in how.disk ? mountImage(how.disk.image, disk) : []),
    ...('image' in how.boot ? mountImage(how.boot.image, boot) : []),
    ...prepareBoot(boot, root),
    'set --',
    ...(root ? overlayLocal(boot, overlay) : []),
    ...join,
    ...limits,
    `exec 7>>${quote(paths.status)}`,
    `exec bwrap ${args.map(quote).join(' ')} "$@" --json-status-fd 7 -- /bin/sh -c ${quote(first)} sh ${inside.node} ${agentFlags} ${inside.agent}/agent.mjs ${inside.agentConfig}`,
  ];
}

const limits = [
  'ulimit -c 0',
  // When the host itself runs out of memory, a machine goes before the control plane does.
  '{ echo 100 > /proc/self/oom_score_adj; } 2>/dev/null || true',
];

function mountImage(image: string, place: string): string[] {
  const mount = `mount -o loop,nosuid,nodev,discard ${quote(image)} ${quote(place)}`;
  return [
    // After a power loss the journal is usually enough; when it is not, a repair that asks nothing is tried once.
    `${mount} || { e2fsck -p ${quote(image)}; ${mount}; }`,
  ];
}

function prepareBoot(boot: string, root: boolean): string[] {
  const own = root ? `${String(insideUser.uid)}:${String(insideUser.gid)}` : null;
  const at = (name: string): string => quote(path.join(boot, name));
  const mine = [...bootFolders, 'var/cache', 'var/lib', 'var/log', 'state'].map(at).join(' ');
  return [
    `if [ ! -e ${at('.prepared')} ]; then`,
    `  mkdir -p ${mine} ${at('var/tmp')} ${at('local/upper')} ${at('local/work')}`,
    ...(own === null ? [] : [`  chown ${own} ${mine}`]),
    `  chmod 1777 ${at('tmp')} ${at('var/tmp')}`,
    `  chmod 700 ${at('state')}`,
    `  : > ${at('.prepared')}`,
    'fi',
  ];
}

/** The host's /usr/local, writable inside: changes go to the boot disk. Where overlays do not work it stays read-only. */
function overlayLocal(boot: string, place: string): string[] {
  const [upper, work] = [path.join(boot, 'local/upper'), path.join(boot, 'local/work')];
  const marker = quote(path.join(boot, '.local-owned'));
  return [
    `if mount -t overlay overlay -o ${quote(`lowerdir=/usr/local,upperdir=${overlayPath(upper)},workdir=${overlayPath(work)}`)} ${quote(place)}; then`,
    `  [ -e ${marker} ] || { find ${quote(place)} -xdev -maxdepth 3 -type d -exec chown ${String(insideUser.uid)}:${String(insideUser.gid)} {} + ; : > ${marker}; }`,
    `  set -- --bind ${quote(place)} /usr/local`,
    'fi',
  ];
}

function plainSteps(facts: LaunchFacts, join: string[]): string[] {
  if (facts.how.isolation !== 'plain') return [];
  const { home, nodeBinary, agentBundle, environment } = facts.how;
  const variables = Object.entries({ ...environment, HOME: home }).map(([name, value]) => quote(`${name}=${value}`));
  const first = `echo "{\\"child-pid\\": $$, \\"started\\": true}" >&6; exec 6>&- 8<&- 9<&-; exec "$@"`;
  return [
    ...join,
    ...limits,
    `cd ${quote(home)}`,
    `exec env -i ${variables.join(' ')} /bin/sh -c ${quote(first)} sh ${quote(nodeBinary)} ${agentFlags} ${quote(path.join(agentBundle, 'agent.mjs'))} ${quote(facts.paths.agentConfig)}`,
  ];
}

/** Overlay options have no quoting; a comma or colon in a path is escaped by a backslash. */
function overlayPath(place: string): string {
  return place.replaceAll(/[\\:,]/g, (character) => `\\${character}`);
}

export function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
