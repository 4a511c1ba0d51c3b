import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

export const projectRoot = path.resolve(import.meta.dirname, '../..');

/** One `import` or `export … from` of a source file. */
export interface Import {
  /** As it is written: `./store.ts`, `zod`, `@terrarium/contract`. */
  readonly specifier: string;
  /** The file of the project that it means, or null for a package. */
  readonly target: string | null;
  /** False for `import type`, which is gone at run time. */
  readonly isRuntime: boolean;
}

export interface SourceFile {
  /** Relative to the project, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** The text without comments. */
  readonly code: string;
  readonly imports: readonly Import[];
}

const notOurs = new Set(['node_modules', 'dist', 'dist.new', 'data', 'test-results', '.git', '.kernels', '.worktrees']);

/** Every file of the project below `folder`, less what is installed, built or kept by the running server. */
export function filesBelow(folder = ''): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(path.join(projectRoot, folder), { withFileTypes: true })) {
    const relative = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (notOurs.has(entry.name)) continue;
    if (entry.isDirectory()) found.push(...filesBelow(relative));
    else if (entry.isFile()) found.push(relative);
  }
  return found;
}

export function readText(file: string): string {
  return readFileSync(path.join(projectRoot, file), 'utf8');
}

/** The TypeScript and JavaScript of the project, with what each file imports. */
export function readSources(): SourceFile[] {
  return filesBelow()
    .filter((file) => /\.(ts|tsx|mjs)$/.test(file))
    .map((file) => {
      const text = readText(file);
      const code = withoutComments(text);
      return { path: file, text, code, imports: importsOf(file, code) };
    });
}

// Strings are matched too, so that the slashes of an address are not taken for a comment.
const commentOrString = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;

export function withoutComments(text: string): string {
  return text.replace(commentOrString, (match) => (match.startsWith('/') ? ' ' : match));
}

const importPattern =
  /^[ \t]*(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\s+from\s+)?(['"])([^'"\n]+)\2|\bimport\(\s*(['"])([^'"\n]+)\4\s*\)/gm;

/** @param code  without comments */
export function importsOf(file: string, code: string): Import[] {
  return [...code.matchAll(importPattern)].map((match) => {
    const specifier = match[3] ?? match[5] ?? '';
    const target = specifier.startsWith('.') ? path.posix.join(path.posix.dirname(file), specifier) : null;
    return { specifier, target, isRuntime: match[1] === undefined };
  });
}

/** Every cycle of imports that exist at run time, each once, as the files on it. */
export function runtimeCycles(files: readonly SourceFile[]): string[][] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const cycles: string[][] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (file: SourceFile): void => {
    const start = trail.indexOf(file.path);
    if (start >= 0) cycles.push([...trail.slice(start), file.path]);
    if (start >= 0 || done.has(file.path)) return;
    trail.push(file.path);
    for (const { target, isRuntime } of file.imports) {
      const next = target === null || !isRuntime ? undefined : byPath.get(target);
      if (next !== undefined) visit(next);
    }
    trail.pop();
    done.add(file.path);
  };
  for (const file of files) visit(file);
  return cycles;
}
