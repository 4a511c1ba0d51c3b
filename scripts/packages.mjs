import { existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { PrepareError, failureAdvice, failureKind } from './failure.mjs';
import { machineNode, machinePath, projectNode, root, stampDirectory } from './paths.mjs';
import { nothingDone } from './progress.mjs';
import { ask, run } from './run.mjs';
import { hashInputs, isStamped, writeStamp } from './stamps.mjs';

// npm 9 copies linked folders unless told not to, and then finds their dependencies missing from the lockfile.
const ciFlags = ['ci', '--install-links=false', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=warn'];

/**
 * Installs the npm packages of the project (`folder` is '.') or of `lab`, when they are not there or the lockfile changed.
 * @param {'.' | 'lab'} folder
 * @param {AbortSignal} signal
 */
export async function installPackages(folder, signal) {
  const absolute = join(root, folder);
  const modules = join(absolute, 'node_modules');
  const stampFile = join(modules, '.cache/terrarium/installed');
  const hash = hashInputs([join(folder, 'package-lock.json')], [process.platform, process.arch]);
  const isInstalled =
    isStamped(stampFile, hash, [join(modules, '.package-lock.json')]) || (await hasLockedPackages(absolute));
  if (!isInstalled) {
    const what = folder === '.' ? 'Installing the npm packages' : `Installing JupyterLab's npm packages`;
    const npm = npmCommand();
    const name = folder === '.' ? 'npm' : 'npm-lab';
    const { code, output, logFile } = await run(name, npm.command, [...npm.args, ...ciFlags], {
      cwd: absolute,
      env: npmEnvironment(),
      signal,
    });
    if (code === 'no such program') throw noNpm();
    if (code !== 0) {
      const advice = failureAdvice(failureKind(output), { source: 'The npm registry', folder: modules });
      throw new PrepareError(`${what} failed: ${advice}`, { logFile });
    }
    writeStamp(stampFile, hash);
  }
  if (folder === '.') await ensureProjectNode(signal);
  return isInstalled ? nothingDone : undefined;
}

/**
 * npm's own record of what it installed, compared with the lockfile: also right for packages that were installed by hand.
 * npm writes it last, so an interrupted installation has none.
 * @param {string} folder
 */
async function hasLockedPackages(folder) {
  try {
    const installed = packagesOf(join(folder, 'node_modules/.package-lock.json'));
    const locked = packagesOf(join(folder, 'package-lock.json'));
    for (const [path, entry] of Object.entries(locked)) {
      if (!path.startsWith('node_modules/') || entry.link === true) continue;
      const found = installed[path];
      if (
        found === undefined
          ? entry.optional !== true && entry.devOptional !== true && entry.peer !== true
          : found.version !== entry.version
      )
        return false;
    }
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, link?: boolean, optional?: boolean, devOptional?: boolean, peer?: boolean }>}
 */
function packagesOf(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

/**
 * Makes sure that the project's own Node runs. Its package places the program with an install script, which some people
 * have npm leave out.
 * @param {AbortSignal} signal
 */
async function ensureProjectNode(signal) {
  const folder = join(root, 'node_modules/node');
  /** @type {string} */
  const wanted = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version;
  const works = async () => (await ask(projectNode, ['--version']))?.trim() === `v${wanted}`;
  // Starting 150 MB of program from a cold disk takes a while, so ask once for each installation.
  const stampFile = join(stampDirectory, 'node-works');
  if (isStamped(stampFile, wanted, [projectNode])) return;
  if (!(await works())) {
    const { code, output, logFile } = await run('npm-node', machineNode, ['installArchSpecificPackage.js'], {
      cwd: folder,
      env: npmEnvironment(),
      signal,
    });
    // npm makes no link to a program that was not there yet.
    if (code === 0 && !existsSync(projectNode)) {
      rmSync(projectNode, { force: true });
      symlinkSync('../node/bin/node', projectNode);
    }
    if (code !== 0 || !(await works())) {
      const kind = failureKind(output);
      throw new PrepareError(
        kind === 'other'
          ? `Node.js ${wanted}, which npm brings for Terrarium, does not run on this machine (${process.platform} ${process.arch}). It needs a Linux with glibc 2.28 or newer, or macOS.`
          : `Installing Node.js ${wanted} failed: ${failureAdvice(kind, { source: 'The npm registry', folder })}`,
        { logFile },
      );
    }
  }
  writeStamp(stampFile, wanted);
}

/** npm runs on the machine's Node, since npm ci replaces the project's own, but judges packages by the project's. */
function npmEnvironment() {
  const { npm_config_prefix: _, ...environment } = process.env;
  /** @type {string} */
  const version = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages['node_modules/node']
    .version;
  const shim = JSON.stringify(join(root, 'scripts/npm-node-version.cjs'));
  return {
    ...environment,
    PATH: machinePath(),
    PREPARING_TERRARIUM_FOR_NODE: `v${version}`,
    NODE_OPTIONS: `${environment['NODE_OPTIONS'] ?? ''} --require ${shim}`.trim(),
  };
}

/** The npm that started us, or else the first on the PATH. */
function npmCommand() {
  const script = process.env['npm_execpath'];
  if (script !== undefined && /npm-cli\.c?js$/.test(script) && existsSync(script))
    return { command: machineNode, args: [script] };
  return { command: 'npm', args: [] };
}

function noNpm() {
  return new PrepareError(
    'Terrarium installs its packages with npm, and no npm was found. Install it (on Debian: apt-get install npm), then run npm start again.',
  );
}
