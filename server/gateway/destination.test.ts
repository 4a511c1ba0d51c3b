import { describe, expect, it } from 'vitest';
import { createSplitter, pathProblem } from './destination.ts';

const split = createSplitter('http://localhost:4280', () => 4280);
const splitProduction = createSplitter('https://terrarium.example.org', () => 8080);

describe('where a request goes by its host', () => {
  it.each(['localhost:4280', 'LOCALHOST:4280', '127.0.0.1:4280', '[::1]:4280'])('%s is the app', (host) => {
    expect(split(host, '/x').to).toBe('app');
  });

  it('a workspace is its id before the public host', () => {
    expect(split('abc123.localhost:4280', '/lab?x=1')).toEqual({
      to: 'workspace',
      workspaceId: 'abc123',
      url: '/lab?x=1',
    });
    expect(splitProduction('abc123.Terrarium.example.org', '/')).toMatchObject({
      to: 'workspace',
      workspaceId: 'abc123',
    });
  });

  it.each([
    undefined,
    '',
    'localhost',
    'localhost:4281',
    'localhost.:4280',
    'localhost.evil.com:4280',
    'evil.com',
    'evil.com:4280',
    'a.b.localhost:4280',
    '.localhost:4280',
    '-a_.localhost:4280',
    'xlocalhost:4280',
    '127.0.0.1',
    '127.0.0.1.evil.com:4280',
    'abc.127.0.0.1:4280',
    '169.254.169.254',
    'localhost:4280@evil.com',
    `${'a'.repeat(41)}.localhost:4280`,
  ])('%s is refused', (host) => {
    expect(split(host, '/')).toMatchObject({ to: 'nowhere', status: 421 });
  });

  it('in production, loopback names with the listening port reach the app and localhost workspaces do not exist', () => {
    expect(splitProduction('127.0.0.1:8080', '/').to).toBe('app');
    expect(splitProduction('abc.localhost:8080', '/').to).toBe('nowhere');
    expect(splitProduction('terrarium.example.org.evil.com', '/').to).toBe('nowhere');
  });

  it('programs have the workspace in the path, which the door does not see', () => {
    expect(split('localhost:4280', '/jupyter/ns/my-name/api/kernels?token=x')).toEqual({
      to: 'programs',
      namespace: 'ns',
      name: 'my-name',
      basePath: '/jupyter/ns/my-name',
      url: '/api/kernels?token=x',
    });
    expect(split('localhost:4280', '/jupyter/ns/name')).toMatchObject({ to: 'programs', url: '/' });
    expect(split('localhost:4280', '/jupyter/ns')).toMatchObject({ to: 'nowhere', status: 404 });
    expect(split('localhost:4280', '/jupyterx/ns/a/b').to).toBe('app');
  });
});

describe('paths that two readers could read differently', () => {
  it.each([
    '/api/kernels/../x',
    '/api/kernels/%2e%2e/x',
    '/api/kernels/..%2fx',
    '/api/kernels/.%2e',
    '/./api',
    '/api\\kernels',
    '/api%5ckernels',
    '/api/%00',
    '/api/%0d%0ax',
    '/api/%',
    '/api/%zz',
    'http://localhost:4280/api',
    '*',
  ])('%s is refused', (path) => {
    expect(pathProblem(path)).toBeTypeOf('string');
  });

  it.each(['/', '/api/contents/.hidden', '/api/contents/a..b', '/api/contents/...', '/a?x=..%00/../'])(
    '%s is fine',
    (path) => {
      expect(pathProblem(path)).toBeUndefined();
    },
  );
});
