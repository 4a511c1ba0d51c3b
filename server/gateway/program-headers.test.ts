import { describe, expect, it } from 'vitest';
import { confinedCookie, headersFromProgram, headersToProgram, rewrittenLocation } from './program-headers.ts';
import { programPort, urlAtAgent, type ProgramPlace } from './program-ports.ts';

const place: ProgramPlace = {
  port: 8050,
  isAbsolute: false,
  prefix: '/proxy/8050/',
  protocol: 'https:',
  host: 'ws1.example.org',
};
const absolute: ProgramPlace = { ...place, isAbsolute: true, prefix: '/proxy/absolute/8050/' };

describe('an address names a program', () => {
  it.each([
    ['/proxy/8050/', { port: 8050, isAbsolute: false, rest: '/' }, '/agent/proxy/8050/'],
    ['/proxy/8050/a%2Fb?x=%2F', { rest: '/a%2Fb?x=%2F' }, '/agent/proxy/8050/a%2Fb?x=%2F'],
    ['/proxy/8050', { rest: '' }, '/agent/proxy/8050/'],
    ['/proxy/8050?a=1', { rest: '?a=1' }, '/agent/proxy/8050/?a=1'],
    [
      '/proxy/absolute/8888/lab?token=x',
      { port: 8888, isAbsolute: true },
      '/agent/proxy/8888/base/proxy/absolute/8888/lab?token=x',
    ],
  ])('%s', (url, expected, atAgent) => {
    const found = programPort(url);
    expect(found).toMatchObject(expected);
    expect(found === null ? null : urlAtAgent(found, '/base')).toBe(atAgent);
  });

  it.each([
    '/proxy',
    '/proxy/',
    '/proxy/x/',
    '/proxy/0/',
    '/proxy/65536/',
    '/proxy/123456/',
    '/proxy/80x/',
    '/proxy/other.host:80/',
    '/lab',
  ])('or it does not: %s', (url) => {
    expect(programPort(url)).toBeNull();
  });
});

describe('a redirect', () => {
  it.each([
    ['/', '/proxy/8050/'],
    ['/login?next=/', '/proxy/8050/login?next=/'],
    ['/proxy/8050/login', '/proxy/8050/login'],
    ['/proxy/8050', '/proxy/8050'],
    ['/proxy/80501/', '/proxy/8050/proxy/80501/'],
    ['next/', 'next/'],
    ['../up', '../up'],
    ['?page=2', '?page=2'],
    ['http://127.0.0.1:8050/a?b#c', '/proxy/8050/a?b#c'],
    ['http://localhost:8050', '/proxy/8050/'],
    ['https://ws1.example.org/a', '/proxy/8050/a'],
    ['//ws1.example.org/a', '/proxy/8050/a'],
    ['http://127.0.0.1:9000/', 'http://127.0.0.1:9000/'],
    ['https://example.com/sign-in', 'https://example.com/sign-in'],
    ['/\\example.com', '/proxy/8050/example.com'],
    ['\\\\example.com', '/proxy/8050/example.com'],
    ['http://127.0.0.1:8050//example.com', '/proxy/8050/example.com'],
    ['javascript:alert(1)', null],
    ['data:text/html,x', null],
  ])('to %s leads to %s', (value, expected) => {
    expect(rewrittenLocation(value, place)).toBe(expected);
  });

  it.each([
    ['/proxy/absolute/8050/lab', '/proxy/absolute/8050/lab'],
    ['http://127.0.0.1:8050/proxy/absolute/8050/lab', '/proxy/absolute/8050/lab'],
    ['//example.com', '//example.com'],
    ['/\\example.com', '/example.com'],
  ])('of a program that is told whole paths, to %s, leads to %s', (value, expected) => {
    expect(rewrittenLocation(value, absolute)).toBe(expected);
  });
});

describe('a cookie', () => {
  it.each([
    ['a=1', 'a=1; Path=/proxy/8050/'],
    ['a=1; Path=/; HttpOnly; Secure', 'a=1; HttpOnly; Secure; Path=/proxy/8050/'],
    ['a=1; path=/sub; Domain=example.org', 'a=1; Path=/proxy/8050/sub'],
    ['a=1; Path=/proxy/8050/deep', 'a=1; Path=/proxy/8050/deep'],
    ['a=1; Path=/proxy/80501/', 'a=1; Path=/proxy/8050/proxy/80501/'],
    ['terrarium=stolen', null],
    [' Terrarium =stolen', null],
    ['__Host-terrarium=stolen; Path=/; Secure', null],
    ['__Host-a=1; Path=/; Secure', null],
  ])('%s becomes %s', (value, expected) => {
    expect(confinedCookie(value, place.prefix)).toBe(expected);
  });
});

it('what is ours and what tells about the person does not reach the program; the rest does', () => {
  const raw = [
    ['Host', 'ws1.example.org'],
    ['Authorization', 'Bearer trm_x'],
    ['Cookie', 'a=1; terrarium=session; __Host-terrarium=session; b=2'],
    ['X-Forwarded-For', '1.2.3.4'],
    ['X-Forwarded-Prefix', '/forged'],
    ['X-Real-IP', '1.2.3.4'],
    ['Terrarium-Proxied', '1'],
    ['Referer', 'https://ws1.example.org/proxy/8050/?token=trm_x&a=1'],
    ['Origin', 'https://ws1.example.org'],
    ['X-CSRFToken', 'c'],
    ['Last-Event-ID', '7'],
  ].flat();
  expect(headersToProgram(raw, 's', place)).toEqual(
    [
      ['host', 'agent'],
      ['authorization', 'Bearer s'],
      ['Cookie', 'a=1; b=2'],
      ['Referer', 'https://ws1.example.org/proxy/8050/?a=1'],
      ['Origin', 'https://ws1.example.org'],
      ['X-CSRFToken', 'c'],
      ['Last-Event-ID', '7'],
      ['x-forwarded-host', 'ws1.example.org'],
      ['x-forwarded-proto', 'https'],
      ['x-forwarded-prefix', '/proxy/8050'],
    ].flat(),
  );
  expect(headersToProgram(['Cookie', 'terrarium=session'], 's', absolute)).not.toContain('Cookie');
  expect(headersToProgram([], 's', absolute)).not.toContain('x-forwarded-prefix');
});

it('what would reach beyond the program does not leave it', () => {
  const raw = [
    ['Content-Type', 'text/html'],
    ['X-Own', '1'],
    ['Service-Worker-Allowed', '/'],
    ['Clear-Site-Data', '"*"'],
    ['Access-Control-Allow-Origin', '*'],
    ['WWW-Authenticate', 'Basic'],
    ['Strict-Transport-Security', 'max-age=1'],
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'terrarium=stolen'],
    ['terrarium-proxied', '1'],
  ].flat();
  expect(headersFromProgram(raw, place)).toEqual(
    [
      ['Content-Type', 'text/html'],
      ['X-Own', '1'],
      ['Set-Cookie', 'a=1; Path=/proxy/8050/'],
    ].flat(),
  );
});
