import { describe, expect, it } from 'vitest';
import { filesBelow, importsOf, readSources, readText, runtimeCycles, withoutComments } from './source-files.ts';
import type { Import, SourceFile } from './source-files.ts';

/** A noun may use the ones before it. */
const nouns = [
  'accounts',
  'billing',
  'workspaces',
  'images',
  'disks',
  'clusters',
  'environments',
  'bucket',
  'documents',
  'versions',
  'notebooks',
  'runs',
  'mirror',
  'kernels',
  'gateway',
  'cost',
];
const ports = /^server\/(environments\/compute-driver|disks\/disk-driver|bucket\/object-store)\.ts$/;
const sources = readSources();
const sourcesOfTests = sources.filter(({ path }) => isOfTests(path));
const product = sources.filter(({ path }) => !isOfTests(path));

/** Tests and what only they use: they may reach into everything. */
function isOfTests(path: string): boolean {
  return (
    /\.test\.tsx?$|(^|\/)(testing|tests|e2e|conformance)\/|^bench\//.test(path) ||
    /(^|\/)[\w-]*(testing|fixture|stand-in)[\w-]*\.tsx?$/.test(path)
  );
}

/** Imports that break a rule, one a line. */
function offending(files: readonly SourceFile[], isAllowed: (used: Import, file: SourceFile) => boolean): string[] {
  return files.flatMap((file) =>
    file.imports.filter((used) => !isAllowed(used, file)).map((used) => `${file.path} imports ${used.specifier}`),
  );
}

/** Lines of code that match, one a line. */
function linesWith(files: readonly SourceFile[], pattern: RegExp): string[] {
  return files.flatMap((file) =>
    file.code
      .split('\n')
      .filter((line) => pattern.test(line))
      .map((line) => `${file.path}: ${line.trim()}`),
  );
}

function within(folder: string): SourceFile[] {
  return product.filter(({ path }) => path.startsWith(`${folder}/`));
}

function nounOf(path: string): string | undefined {
  const folder = path.split('/')[1] ?? '';
  return path.startsWith('server/') && nouns.includes(folder) ? folder : undefined;
}

describe('what may import what', () => {
  it('the contract imports zod alone', () => {
    expect(
      offending(within('contract'), ({ specifier, target }) =>
        target === null ? specifier === 'zod' : target.startsWith('contract/'),
      ),
    ).toEqual([]);
  });

  it.each(['agent', 'web', 'lab', 'cli'])('%s imports the contract, and no other side', (side) => {
    const others = ['server', 'agent', 'web', 'lab', 'cli'].filter((other) => other !== side);
    expect(
      offending(within(side), ({ specifier, target }) =>
        target === null
          ? !others.some((other) => specifier.startsWith(`@terrarium/${other}`))
          : target.startsWith(`${side}/`),
      ),
    ).toEqual([]);
  });

  it('the server reaches the other sides through the contract alone', () => {
    expect(
      offending(within('server'), ({ specifier, target }) =>
        target === null ? !/^@terrarium\/(?!contract)/.test(specifier) : target.startsWith('server/'),
      ),
    ).toEqual([]);
  });

  it('plumbing knows no noun', () => {
    expect(
      offending(within('server/plumbing'), ({ target }) => target === null || target.startsWith('server/plumbing/')),
    ).toEqual([]);
  });

  it('a noun imports plumbing, the contract and nouns before it', () => {
    const files = nouns.flatMap((noun) => within(`server/${noun}`));
    expect(
      offending(files, ({ target }, file) => {
        if (target === null || target.startsWith('server/plumbing/') || target === 'server/config.ts') return true;
        const used = nounOf(target);
        return used !== undefined && nouns.indexOf(used) <= nouns.indexOf(nounOf(file.path) ?? '');
      }),
    ).toEqual([]);
  });

  it('a driver imports port types and plumbing', () => {
    expect(
      offending(within('server/drivers'), ({ target, isRuntime }, file) => {
        if (target === null || target.startsWith('server/plumbing/')) return true;
        const driver = file.path.split('/').slice(0, 3).join('/');
        return target.startsWith(`${driver}/`) || (ports.test(target) && !isRuntime);
      }),
    ).toEqual([]);
  });

  it('only machine-drivers.ts and tests import drivers, and only context.ts imports that', () => {
    const others = product.filter(
      ({ path }) => path !== 'server/machine-drivers.ts' && !path.startsWith('server/drivers/'),
    );
    expect(offending(others, ({ target }) => target?.startsWith('server/drivers/') !== true)).toEqual([]);
    const unaware = product.filter(({ path }) => path !== 'server/context.ts');
    expect(offending(unaware, ({ target }) => target !== 'server/machine-drivers.ts')).toEqual([]);
  });

  it('no imports go in a circle at run time', () => {
    expect(runtimeCycles(sources).map((cycle) => cycle.join(' -> '))).toEqual([]);
  });
});

describe('what is done in one place', () => {
  it('only executors call what changes the world of a driver', () => {
    const files = within('server').filter(
      ({ path }) => !/\/(execute|steps)\.ts$/.test(path) && !path.startsWith('server/drivers/'),
    );
    expect(
      linesWith(
        files,
        /\b(driver|compute|diskDriver|computeDriver|drivers\.\w+)\.(create|start|sleep|wake|limit|stop|resize|delete)\(/,
      ),
    ).toEqual([]);
  });

  it('only stores, migrations and the plumbing of the database contain queries', () => {
    const files = within('server').filter(
      ({ path }) => !/(^|\/)store\.ts$|^server\/migrations\/|^server\/plumbing\/(db|reconciler)\//.test(path),
    );
    expect(linesWith(files, /\.(selectFrom|insertInto|updateTable|deleteFrom|mergeInto)\(|\bsql`/)).toEqual([]);
  });

  it('only config.ts reads the environment of the server', () => {
    const files = within('server').filter(({ path }) => path !== 'server/config.ts');
    expect(linesWith(files, /\bprocess\.env\b/)).toEqual([]);
  });

  it('only clock.ts reads the time in the server', () => {
    const files = within('server').filter(({ path }) => path !== 'server/plumbing/clock.ts');
    expect(linesWith(files, /\bDate\.now\(|\bnew Date\(\s*\)/)).toEqual([]);
  });

  it('nobody asks which driver it is', () => {
    const files = within('server').filter(({ path }) => !path.startsWith('server/drivers/'));
    const names = 'sandbox|memory|docker|kubernetes|filesystem|s3|gcs';
    expect(linesWith(files, new RegExp(`[!=]==\\s*'(${names})'|case '(${names})':`))).toEqual([]);
  });
});

describe('the repository', () => {
  const texts = filesBelow().filter((file) => !/\.(png|jpg|ico|woff2?|ttf|gz|zip|ipynb)$/.test(file));

  it('names no package registry', () => {
    // Put together here, so that this file does not name them either.
    const hosts = [
      ['registry', 'npmjs', 'org'],
      ['pypi', 'org'],
      ['pythonhosted', 'org'],
      ['deb', 'debian', 'org'],
    ];
    const pattern = new RegExp(hosts.map((parts) => parts.join('\\.')).join('|'));
    expect(texts.filter((file) => pattern.test(readText(file)))).toEqual([]);
  });

  it('names no path of one machine', () => {
    const pattern = new RegExp(
      ['work/wt', 'work/main', 'tmp/brief', 'home/\\w+/terrarium'].map((path) => `/${path}`).join('|'),
    );
    expect(texts.filter((file) => pattern.test(readText(file)))).toEqual([]);
  });

  it('has no file that is named for nothing', () => {
    expect(
      filesBelow().filter((file) => /(^|\/)(utils?|helpers?|misc|common|managers?)(\/|\.\w+$)/i.test(file)),
    ).toEqual([]);
  });

  it('leaves nothing to be done later', () => {
    const mark = new RegExp(`\\b(${['TO', 'FIX'].map((start, at) => start + ['DO', 'ME'][at]).join('|')})\\b`);
    const files = texts.filter((file) => /\.(ts|tsx|mjs|md|py|css)$/.test(file));
    expect(files.filter((file) => mark.test(readText(file)))).toEqual([]);
  });

  it('has files in kebab-case, and React components in PascalCase', () => {
    const isNamedRight = (path: string): boolean => {
      const name = (path.split('/').at(-1) ?? '').replace(/(\.(test|config|d|web))*\.(ts|tsx|mjs)$/, '');
      return /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || (path.endsWith('.tsx') && /^[A-Z][A-Za-z0-9]*$/.test(name));
    };
    expect(sources.map(({ path }) => path).filter((path) => !isNamedRight(path))).toEqual([]);
  });
});

describe('these tests themselves', () => {
  it('see the project', () => {
    expect(product.length).toBeGreaterThan(50);
    expect(sourcesOfTests.map(({ path }) => path)).toContain('server/testing/architecture.test.ts');
    expect(product.find(({ path }) => path === 'server/main.ts')?.imports.map(({ target }) => target)).toContain(
      'server/server.ts',
    );
  });

  it.each([
    ["import { a } from './a.ts';", './a.ts', true],
    ["import type { A } from './a.ts';", './a.ts', false],
    ["import {\n  a,\n  type B,\n} from './a.ts';", './a.ts', true],
    ["import * as z from 'zod';", 'zod', true],
    ["import fs, { constants } from 'node:fs';", 'node:fs', true],
    ["import './a.css';", './a.css', true],
    ["export * from './a.ts';", './a.ts', true],
    ["export type { A } from './a.ts';", './a.ts', false],
    ["const a = await import('./a.ts');", './a.ts', true],
  ])('read %j', (code, specifier, isRuntime) => {
    expect(importsOf('server/x/b.ts', code)).toMatchObject([{ specifier, isRuntime }]);
  });

  it('read no comment for code', () => {
    expect(withoutComments("// import './a.ts'\nconst url = 'http://x'; /* process.env */")).toBe(
      " \nconst url = 'http://x';  ",
    );
    expect(importsOf('b.ts', withoutComments("/* import './a.ts'; */"))).toEqual([]);
  });

  it('find a cycle, and none where one side is a type', () => {
    const file = (path: string, code: string): SourceFile => ({
      path,
      text: code,
      code,
      imports: importsOf(path, code),
    });
    const there = file('a.ts', "import { b } from './b.ts';");
    expect(runtimeCycles([there, file('b.ts', "import { a } from './a.ts';")])).toEqual([['a.ts', 'b.ts', 'a.ts']]);
    expect(runtimeCycles([there, file('b.ts', "import type { a } from './a.ts';")])).toEqual([]);
  });
});
