// Bundles JupyterLab and our plugins into dist/. `node build.mjs [--force]`; does nothing when no input changed.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { loadSchemas } from './build/schemas.mjs';

const lab = dirname(fileURLToPath(import.meta.url));
const dist = join(lab, 'dist');
const staging = join(lab, 'dist.new');
const require = createRequire(import.meta.url);
const modules = join(lab, 'node_modules');
const themes = ['@jupyterlab/theme-light-extension', '@jupyterlab/theme-dark-extension'];
const publicPath = '/static/lab/';

async function buildAll() {
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true });
  const version = JSON.parse(await readFile(join(modules, '@jupyterlab/application/package.json'), 'utf8')).version;

  const [app, ...themeBuilds] = await Promise.all([
    build({
      ...commonOptions(),
      entryPoints: { 'page-config': join(lab, 'src/page-config.ts'), main: join(lab, 'src/main.ts') },
      format: 'esm',
      splitting: true,
      define: {
        'process.env.NODE_ENV': '"production"',
        'process.env.NODE_DEBUG': 'undefined',
        global: 'globalThis',
        __dirname: '"/"',
        __LAB_VERSION__: JSON.stringify(version),
        __BUILD_ID__: JSON.stringify(inputHash.slice(0, 12)),
      },
    }),
    ...themes.map((theme) =>
      build({
        ...commonOptions(),
        entryPoints: { [`themes-${inputHash.slice(0, 12)}/${theme}/index`]: join(modules, theme, 'style/theme.css') },
        entryNames: '[dir]/[name]',
      }),
    ),
    cp(join(lab, 'static'), staging, { recursive: true }),
  ]);
  await writeFile(join(staging, 'settings.json'), JSON.stringify({ settings: await loadSchemas(lab) }));
  await writeFile(join(staging, 'index.html'), await page(app.metafile));
  if (process.env['LAB_METAFILE'] !== undefined) {
    await writeFile(process.env['LAB_METAFILE'], JSON.stringify(app.metafile));
  }
  for (const result of [app, ...themeBuilds.filter((entry) => entry !== undefined)]) {
    for (const warning of result.warnings) console.warn(`lab: ${warning.text} (${warning.location?.file ?? ''})`);
  }
  // Last, so that an interrupted build is never taken for a finished one.
  await writeFile(join(staging, 'inputs.txt'), inputHash);
  await rm(dist, { recursive: true, force: true });
  await rename(staging, dist);
}

function commonOptions() {
  return {
    outdir: staging,
    bundle: true,
    minify: true,
    metafile: true,
    target: 'es2022',
    legalComments: 'none',
    logLevel: 'error',
    publicPath,
    entryNames: '[name]-[hash]',
    chunkNames: 'chunks/[name]-[hash]',
    assetNames: 'assets/[name]-[hash]',
    mainFields: ['browser', 'module', 'main'],
    conditions: ['browser', 'module'],
    // One React and one of every token, whichever package asks for it.
    nodePaths: [modules],
    loader: {
      '.woff': 'file',
      '.woff2': 'file',
      // Every browser that runs this reads woff2; the older forms would only be carried along.
      '.ttf': 'empty',
      '.eot': 'empty',
      '.png': 'file',
      '.gif': 'file',
      '.jpg': 'file',
      '.ico': 'file',
      '.raw.css': 'text',
    },
    plugins: [assetForms],
  };
}

/** SVG is text for LabIcon but an address for CSS; Node's path is the browser's. */
const assetForms = {
  name: 'asset-forms',
  setup(bundler) {
    bundler.onResolve({ filter: /^path$/ }, () => ({ path: require.resolve('path-browserify') }));
    // What only Node has, and the wire of language servers, of which none run here.
    bundler.onResolve({ filter: /^(ws|node-fetch|url|fs|stream|vm|child_process|vscode-ws-jsonrpc)$/ }, (args) => ({
      path: args.path,
      namespace: 'absent',
    }));
    bundler.onLoad({ filter: /\.svg$/, namespace: 'absent' }, () => ({ contents: '', loader: 'empty' }));
    bundler.onLoad({ filter: /.*/, namespace: 'absent' }, () => ({ contents: 'module.exports = {};' }));
    // A CommonJS module imported as its own chunk has nothing but a default export there.
    bundler.onLoad({ filter: /@jupyterlab\/(mathjax-extension|terminal)\/lib\/.*\.js$/ }, async (args) => ({
      contents: (await readFile(args.path, 'utf8')).replace(
        /\bimport\('(mathjax-full|@xterm)\/[^']*'\)/g,
        (dynamicImport) => `${dynamicImport}.then((module) => module.default)`,
      ),
      loader: 'js',
    }));
    // CSS of these packages marks an address inside another package with a tilde.
    bundler.onResolve({ filter: /^~/ }, ({ path, ...args }) =>
      bundler.resolve(path.slice(1), { importer: args.importer, resolveDir: args.resolveDir, kind: args.kind }),
    );
    bundler.onResolve({ filter: /\.svg([?#].*)?$/ }, async (args) => {
      if (args.kind !== 'url-token' || args.pluginData === 'resolved' || args.path.startsWith('data:'))
        return undefined;
      const path = resolve(args.resolveDir, args.path.replace(/[?#].*/, ''));
      return { path, namespace: path.includes('/webfonts/') ? 'absent' : 'svg-in-css' };
    });
    bundler.onLoad({ filter: /.*/, namespace: 'svg-in-css' }, async (args) => ({
      contents: await readFile(args.path),
      loader: 'dataurl',
    }));
    bundler.onLoad({ filter: /\.svg$/ }, async (args) => ({ contents: await readFile(args.path), loader: 'text' }));
  },
};

/** index.html with the names of this build; the server fills in __PAGE_CONFIG__. */
async function page(metafile) {
  const outputs = Object.entries(metafile.outputs);
  const find = (source) => {
    const entry = outputs.find(([, output]) => output.entryPoint?.endsWith(source));
    if (entry === undefined) throw new Error(`lab: the bundle has no ${source}`);
    return entry;
  };
  const [pageConfig] = find('src/page-config.ts');
  const [script, output] = find('src/main.ts');
  const url = (path) => publicPath + path.slice(path.indexOf('dist.new/') + 'dist.new/'.length);
  const preloads = new Set();
  const follow = (path) => {
    for (const one of metafile.outputs[path].imports) {
      if (one.kind !== 'import-statement' || preloads.has(one.path)) continue;
      preloads.add(one.path);
      follow(one.path);
    }
  };
  follow(script);
  const tags = [
    `<link rel="stylesheet" href="${url(output.cssBundle)}" />`,
    ...[...preloads].map((path) => `<link rel="modulepreload" href="${url(path)}" />`),
    // Module scripts run in order: the page's configuration is complete before any module reads it.
    `<script type="module" src="${url(pageConfig)}"></script>`,
    `<script type="module" src="${url(script)}"></script>`,
  ];
  const template = await readFile(join(lab, 'index.html'), 'utf8');
  return template.replace('__ENTRY__', tags.join('\n    ')).replaceAll('__STATIC__', publicPath);
}

async function hashInputs() {
  const hash = createHash('sha256');
  const files = [
    'build.mjs',
    'index.html',
    'package-lock.json',
    'package.json',
    'overrides.json',
    ...(await filesUnder('src')),
    ...(await filesUnder('build')),
    ...(await filesUnder('static')),
    ...(await filesUnder('../contract')),
  ];
  for (const file of files) hash.update(`${file}\0`).update(await readFile(join(lab, file)));
  return hash.digest('hex');
}

async function filesUnder(folder) {
  if (!existsSync(join(lab, folder))) return [];
  const entries = await readdir(join(lab, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
    .map((entry) => relative(lab, join(entry.parentPath, entry.name)))
    .sort();
}

const inputHash = await hashInputs();
const isForced = process.argv.includes('--force');
const built = await readFile(join(dist, 'inputs.txt'), 'utf8').catch(() => '');
if (!isForced && built === inputHash) {
  console.log('lab: up to date');
} else {
  const startedAt = performance.now();
  await buildAll();
  console.log(`lab: built in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
}
