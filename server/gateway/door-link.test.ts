import { describe, expect, it } from 'vitest';
import { doorUrl, labPath, safeNext } from './door-link.ts';

describe('where a link may lead after signing in', () => {
  it.each([
    ['lab', '/lab'],
    ['/lab', '/lab'],
    ['lab/tree/notebooks/a.ipynb', '/lab/tree/notebooks/a.ipynb'],
    ['lab/tree/notebooks/my%20notebook.ipynb', '/lab/tree/notebooks/my%20notebook.ipynb'],
    ['lab/tree/notebooks/my notebook.ipynb', '/lab/tree/notebooks/my%20notebook.ipynb'],
    ['lab/tree/a@b.ipynb', '/lab/tree/a@b.ipynb'],
    ['lab?reset=1#top', '/lab?reset=1#top'],
    ['lab/./tree/x', '/lab/tree/x'],
  ])('%s leads to %s', (next, path) => {
    expect(labPath(next)).toBe(path);
  });

  it.each([
    '',
    '/',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    'lab\\..\\evil',
    'http://evil.example/lab',
    'https:evil.example',
    'javascript:alert(1)',
    '@evil.example',
    'lab@evil.example',
    'laboratory',
    '%2f%2fevil.example',
    '/%2f%2fevil.example',
    '/%5cevil.example',
    'lab/../../evil',
    'lab/../api/sessions',
    'lab/%2e%2e/api',
    'lab//evil.example',
    'lab/\u0000',
    'lab/\r\nset-cookie: a=b',
    '\tlab',
    ' //evil.example',
    '/open?ticket=x',
    'api/kernels',
    `lab/${'a'.repeat(5000)}`,
  ])('%j leads to the front page', (next) => {
    expect(labPath(next)).toBeNull();
    expect(safeNext(next)).toBe('/lab');
  });

  it('is built with the ticket and the path escaped', () => {
    expect(doorUrl('http://localhost:4280', 'abc', 't&x', 'lab/tree/a b')).toBe(
      'http://abc.localhost:4280/open?ticket=t%26x&next=lab%2Ftree%2Fa+b',
    );
  });
});
