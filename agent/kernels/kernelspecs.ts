import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { isRecord } from '../router.ts';

/** A kernel that can be started here, as its kernel.json says. */
export interface Kernelspec {
  /** Lower-case, as jupyter_client lists it. */
  readonly name: string;
  /** The folder of kernel.json, its logos and other resources. */
  readonly directory: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly displayName: string;
  readonly language: string;
  readonly interruptMode: 'signal' | 'message';
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Folders that hold kernelspecs, the first to name one wins. */
export function kernelspecRoots(options: {
  first: readonly string[];
  home: string;
  inherited: Readonly<Record<string, string | undefined>>;
}): string[] {
  const { first, home, inherited } = options;
  const shared = [
    ...(inherited['JUPYTER_PATH'] ?? '').split(':').filter((part) => part !== ''),
    inherited['JUPYTER_DATA_DIR'] ?? path.join(home, '.local/share/jupyter'),
    ...['PREFIX', 'CONDA_PREFIX', 'VIRTUAL_ENV'].flatMap((name) =>
      inherited[name] ? [path.join(inherited[name], 'share/jupyter')] : [],
    ),
    '/usr/local/share/jupyter',
    '/usr/share/jupyter',
    '/opt/conda/share/jupyter',
  ];
  return [...new Set([...first, ...shared].map((root) => path.join(root, 'kernels')))];
}

/** Looks at the folders afresh, so that a kernelspec installed a moment ago is found. */
export async function findKernelspecs(roots: readonly string[]): Promise<Map<string, Kernelspec>> {
  const found = new Map<string, Kernelspec>();
  for (const specs of await Promise.all(roots.map(readRoot))) {
    for (const spec of specs) if (!found.has(spec.name)) found.set(spec.name, spec);
  }
  return found;
}

async function readRoot(root: string): Promise<Kernelspec[]> {
  const names = await readdir(root).catch(() => []);
  const specs = await Promise.all(names.sort().map((name) => readKernelspec(path.join(root, name), name)));
  return specs.filter((spec) => spec !== null);
}

async function readKernelspec(directory: string, folder: string): Promise<Kernelspec | null> {
  // jupyter_client ignores folders with other names
  if (!/^[a-z0-9._-]+$/i.test(folder)) return null;
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path.join(directory, 'kernel.json'), 'utf8'));
  } catch {
    return null;
  }
  if (!isRecord(value) || !Array.isArray(value['argv']) || value['argv'].length === 0) return null;
  const env = isRecord(value['env']) ? value['env'] : {};
  return {
    name: folder.toLowerCase(),
    directory,
    argv: value['argv'].map(String),
    env: Object.fromEntries(Object.entries(env).map(([name, text]) => [name, String(text)])),
    displayName: typeof value['display_name'] === 'string' ? value['display_name'] : folder,
    language: typeof value['language'] === 'string' ? value['language'] : '',
    interruptMode: value['interrupt_mode'] === 'message' ? 'message' : 'signal',
    metadata: isRecord(value['metadata']) ? value['metadata'] : {},
  };
}

/** The body of `GET /api/kernelspecs/{name}`. */
export async function kernelspecModel(spec: Kernelspec): Promise<Record<string, unknown>> {
  const url = (file: string): string => `/kernelspecs/${encodeURIComponent(spec.name)}/${encodeURIComponent(file)}`;
  const resources: Record<string, string> = {};
  for (const file of await readdir(spec.directory).catch(() => [])) {
    if (file === 'kernel.js' || file === 'kernel.css') resources[file] = url(file);
    else if (file.startsWith('logo-')) resources[path.parse(file).name] = url(file);
  }
  return {
    name: spec.name,
    spec: {
      argv: spec.argv,
      env: spec.env,
      display_name: spec.displayName,
      language: spec.language,
      interrupt_mode: spec.interruptMode,
      metadata: spec.metadata,
    },
    resources,
  };
}

/** Which kernelspec a request without a name means. */
export function defaultKernelName(specs: ReadonlyMap<string, Kernelspec>, preferred: string | null): string {
  if (preferred !== null && specs.has(preferred)) return preferred;
  if (specs.has('python3')) return 'python3';
  return specs.keys().next().value ?? 'python3';
}
