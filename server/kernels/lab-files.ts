import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import * as z from 'zod';

const compress = promisify(gzip);

const contentTypes: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.gif': 'image/gif',
  '.jpg': 'image/jpeg',
  '.ico': 'image/x-icon',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
  '.ttf': 'font/ttf',
  '.wasm': 'application/wasm',
  '.map': 'application/json',
};
const compressible = new Set(['.js', '.css', '.json', '.svg', '.ttf', '.map']);
const smallestCompressed = 1024;
/** These belong to the build, not to the page. */
const inner = new Set(['index.html', 'settings.json', 'inputs.txt']);

const SettingsFile = z.object({
  settings: z.array(z.looseObject({ id: z.string(), schema: z.record(z.string(), z.unknown()), version: z.string() })),
});
export type PluginSettings = z.infer<typeof SettingsFile>['settings'][number];

export interface LabFile {
  readonly body: Buffer;
  readonly contentType: string;
  readonly isCompressed: boolean;
  /** The name has a hash of the content in it. */
  readonly isImmutable: boolean;
}

export interface LabFiles {
  /** index.html with `__PAGE_CONFIG__` still in it, or null when JupyterLab has not been built. */
  page(): Promise<string | null>;
  /** Every plugin's schema with our defaults; empty when JupyterLab has not been built. */
  settings(): Promise<PluginSettings[]>;
  /** A file of the bundle, by its path under `/static/lab/`; null when there is none. */
  file(name: string, acceptsGzip: boolean): Promise<LabFile | null>;
}

/** The bundle that the lab's build left in `directory`. A new build is seen by the next page that is opened. */
export function createLabFiles(directory: string): LabFiles {
  const root = path.resolve(directory);
  const compressed = new Map<string, Promise<Buffer>>();
  let build = '';
  let settings: Promise<PluginSettings[]> | undefined;

  async function read(name: string): Promise<Buffer | null> {
    try {
      return await readFile(path.join(root, name));
    } catch (error) {
      if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EISDIR'))
        return null;
      throw error;
    }
  }

  async function loadSettings(): Promise<PluginSettings[]> {
    const text = await read('settings.json');
    return text === null ? [] : SettingsFile.parse(JSON.parse(text.toString('utf8'))).settings;
  }

  return {
    async page() {
      const current = (await read('inputs.txt'))?.toString('utf8') ?? '';
      if (current !== build) {
        build = current;
        settings = undefined;
        compressed.clear();
      }
      return (await read('index.html'))?.toString('utf8') ?? null;
    },
    settings() {
      settings ??= loadSettings();
      settings.catch(() => {
        settings = undefined;
      });
      return settings;
    },
    async file(name, acceptsGzip) {
      if (name === '' || inner.has(name) || name.includes('\0') || name.split('/').some((part) => part === '..'))
        return null;
      const extension = path.extname(name);
      const facts = {
        contentType: contentTypes[extension] ?? 'application/octet-stream',
        isImmutable: name.startsWith('themes-') || /-[A-Z0-9]{8}\.\w+$/.test(name),
      };
      const isText = acceptsGzip && compressible.has(extension);
      const known = isText ? compressed.get(name) : undefined;
      if (known !== undefined) return { ...facts, body: await known, isCompressed: true };
      const body = await read(name);
      if (body === null) return null;
      if (!isText || body.byteLength < smallestCompressed) return { ...facts, body, isCompressed: false };
      const work = compress(body);
      compressed.set(name, work);
      return { ...facts, body: await work, isCompressed: true };
    },
  };
}
