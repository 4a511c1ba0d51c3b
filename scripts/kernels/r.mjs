import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ask } from '../run.mjs';
import { programsNamed } from './programs.mjs';

/** IRkernel brings R's interpreter; the fonts are what its plots are lettered with. */
export const debianRPackages = ['r-base-core', 'r-cran-irkernel', 'fonts-dejavu-core'];

/**
 * R with IRkernel, as this machine has it.
 * @param {(sentence: string) => void} note
 * @param {import('../failure.mjs').PrepareError | undefined} failure  why installing it failed, when that was tried
 * @returns {Promise<import('./python.mjs').FoundKernel | undefined>}
 */
export async function findR(note, failure) {
  let hasR = false;
  for (const rscript of programsNamed('Rscript')) {
    const answer = await ask(rscript, ['--no-init-file', '-e', question]);
    hasR ||= (await ask(rscript, ['--version'])) !== undefined;
    if (answer === undefined) continue;
    const [version = '', home = '', resources = '', libraries = '', installed = ''] = answer.split('\n');
    const program = join(home, 'bin/R');
    const ownLibraries = libraries.split(':').filter((path) => !path.startsWith('/usr/'));
    const packages = installed.split(' ').map((entry) => entry.split('='));
    return {
      name: 'ir',
      spec: {
        argv: [program, '--slave', '-e', 'IRkernel::main()', '--args', '{connection_file}'],
        display_name: 'R',
        language: 'R',
        // A library in the person's home is not found by itself under another home.
        ...(ownLibraries.length === 0 ? {} : { env: { R_LIBS_SITE: ownLibraries.join(':') } }),
      },
      resources: existsSync(resources) ? resources : undefined,
      version,
      packages: [
        { name: 'R', version, language: 'R' },
        ...packages.map(([name = '', packageVersion = '']) => ({ name, version: packageVersion, language: 'R' })),
      ],
      directories: [home, ...ownLibraries, '/etc/R'].filter((path) => !path.startsWith('/usr/') && existsSync(path)),
    };
  }
  if (failure !== undefined)
    note(`There is no R kernel, because ${failure.message}. Once that is solved, run npm run kernels.`);
  else if (hasR)
    note('R is here, but its package IRkernel is not. Run install.packages("IRkernel") in R, then npm run kernels.');
  else
    note(
      'There is no R kernel, because R is not installed and only root can install it. To add it on Debian, have root run: apt-get install r-base-core r-cran-irkernel; then run npm run kernels.',
    );
  return undefined;
}

/** Where IRkernel can turn up, for a stamp: installing it is a reason to look again. */
export function rLibraryFacts() {
  const site = ['/usr/lib/R/site-library', '/usr/local/lib/R/site-library', '/usr/lib/R/library'];
  const personal = join(homedir(), 'R');
  // R's own name for it: ~/R/<platform>-library/<version>
  const own = foldersIn(personal).flatMap((platform) =>
    foldersIn(join(personal, platform)).map((version) => join(personal, platform, version)),
  );
  return [...site, ...own].map((library) => join(library, 'IRkernel')).filter((path) => existsSync(path));
}

/** @param {string} folder */
function foldersIn(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const question = `
if (!requireNamespace("IRkernel", quietly = TRUE)) quit(status = 1)
cat(sprintf("%s.%s", R.version$major, R.version$minor), "\\n", sep = "")
cat(R.home(), "\\n", sep = "")
cat(system.file("kernelspec", package = "IRkernel"), "\\n", sep = "")
cat(paste(.libPaths(), collapse = ":"), "\\n", sep = "")
found <- Filter(function(name) nzchar(system.file(package = name)), c("IRkernel", "ggplot2", "dplyr", "data.table", "tidyr"))
cat(paste0(found, "=", vapply(found, function(name) as.character(packageVersion(name)), ""), collapse = " "), "\\n", sep = "")
`;
