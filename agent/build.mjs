import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules, createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(here, 'dist');
const require = createRequire(import.meta.url);

/** The build of zeromq that asks for the oldest glibc; it uses Node-API, so any Node loads it. */
const zeromqBuild = 'glibc-127-Release';

/** Native files by their name in dist/native; an architecture whose package is not installed is left out. */
function nativeFiles() {
  const zeromq = path.dirname(require.resolve('zeromq/package.json'));
  const files = {};
  for (const arch of ['x64', 'arm64']) {
    files[`zeromq-linux-${arch}.node`] = path.join(zeromq, `build/linux/${arch}/node/${zeromqBuild}/addon.node`);
    try {
      files[`pty-linux-${arch}.node`] = require.resolve(`@lydell/node-pty-linux-${arch}/pty.node`);
    } catch {
      // not installed: npm brings the machine's own architecture
    }
  }
  return Object.fromEntries(Object.entries(files).filter(([, file]) => existsSync(file)));
}

/** Replaces the loaders of native modules by one that takes them from beside the bundle. */
const nativeLoaders = {
  name: 'native-loaders',
  setup(build) {
    const load = (name) =>
      `require(require('node:path').join(__agentDirectory, 'native', '${name}-' + process.platform + '-' + process.arch + '.node'))`;
    build.onLoad({ filter: /zeromq\/lib\/load-addon\.js$/ }, () => ({
      contents: `exports.__esModule = true; exports.default = ${load('zeromq')};`,
      loader: 'js',
    }));
    build.onLoad({ filter: /node-pty\/requireBinary\.js$/ }, () => ({
      contents: `exports.requireBinary = () => ${load('pty')};`,
      loader: 'js',
    }));
  },
};

/**
 * Takes Node's own modules by name at run time. An `import` of them reads every export once, and some exports load
 * whole clients on being read (`http.WebSocket` brings undici): six megabytes that the agent never uses.
 */
const lazyBuiltins = {
  name: 'lazy-builtins',
  setup(build) {
    const names = new Set(builtinModules);
    build.onResolve({ filter: /^[a-z_/:]+$/ }, ({ path: specifier, importer }) => {
      const name = specifier.replace(/^node:/, '');
      if (!names.has(name)) return undefined;
      // Only the client side of ws asks for these, and the agent is a server.
      const isUnused = /\/node_modules\/ws\//.test(importer) && (name === 'https' || name === 'tls');
      return { path: name, namespace: isUnused ? 'unused' : 'builtin' };
    });
    build.onLoad({ filter: /./, namespace: 'builtin' }, ({ path: name }) => ({
      contents: `module.exports = process.getBuiltinModule('node:${name}');`,
    }));
    build.onLoad({ filter: /./, namespace: 'unused' }, () => ({ contents: 'module.exports = {};' }));
  },
};

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name) && !entry.name.endsWith('.test.ts'))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => !file.includes('/node_modules/') && !file.startsWith(dist))
    .sort();
}

function inputsHash(natives) {
  const hash = createHash('sha256').update(process.arch);
  const packages = ['zeromq', 'ws', 'zod', '@lydell/node-pty', 'esbuild'].map((name) => {
    const entry = require.resolve(name);
    const root = entry.slice(0, entry.lastIndexOf(`node_modules/${name}/`) + `node_modules/${name}/`.length);
    return path.join(root, 'package.json');
  });
  const contract = path.dirname(require.resolve('@terrarium/contract/agent'));
  for (const file of [...sources(here), ...sources(contract), ...packages]) {
    hash.update(file.startsWith(here) ? path.relative(here, file) : path.basename(file)).update(readFileSync(file));
  }
  hash.update(Object.keys(natives).join());
  return hash.digest('hex');
}

/**
 * Makes `dist/` hold everything the agent needs: `agent.mjs` and `native/`. Does nothing when its inputs are unchanged.
 * @returns the folder, and whether it was made afresh
 */
export async function buildAgent() {
  const natives = nativeFiles();
  const inputs = inputsHash(natives);
  const stamp = path.join(dist, 'inputs.sha256');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === inputs) return { directory: dist, isFresh: false };

  const { build } = await import('esbuild');
  rmSync(stamp, { force: true });
  mkdirSync(path.join(dist, 'native'), { recursive: true });
  for (const name of readdirSync(dist)) if (name.endsWith('.mjs')) rmSync(path.join(dist, name));
  await build({
    entryPoints: { agent: path.join(here, 'main.ts') },
    outdir: dist,
    outExtension: { '.js': '.mjs' },
    // What is imported on demand stays out of memory until then.
    splitting: true,
    // Beside the entry, so that native files are found the same way from everywhere.
    chunkNames: '[name]-[hash]',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    minifySyntax: true,
    legalComments: 'linked',
    plugins: [nativeLoaders, lazyBuiltins],
    // Optional accelerators of ws that would not be found beside the bundle.
    external: ['bufferutil', 'utf-8-validate'],
    define: { 'process.env.WS_NO_BUFFER_UTIL': '"1"', 'process.env.WS_NO_UTF_8_VALIDATE': '"1"' },
    banner: {
      js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url); const __agentDirectory = import.meta.dirname;",
    },
    logLevel: 'warning',
  });
  for (const [name, file] of Object.entries(natives)) {
    // Removed first: a running agent may have the old file mapped.
    rmSync(path.join(dist, 'native', name), { force: true });
    cpSync(file, path.join(dist, 'native', name));
  }
  writeFileSync(stamp, inputs);
  return { directory: dist, isFresh: true };
}

if (import.meta.filename === process.argv[1]) {
  const { directory, isFresh } = await buildAgent();
  console.log(`${directory} ${isFresh ? 'built' : 'is up to date'}`);
}
