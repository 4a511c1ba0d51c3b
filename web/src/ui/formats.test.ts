import { describe, expect, test } from 'vitest';
import { count, formatBytes, formatDuration, formatMoney, formatPrice, formatRelative } from './formats.ts';

describe('money', () => {
  test.each([
    [0, '$0.00'],
    [0.001, '<$0.01'],
    [0.005, '$0.01'],
    [12.3, '$12.30'],
    [1234.5, '$1,234.50'],
  ])('is to the cent: %d', (amount, text) => {
    expect(formatMoney(amount, 'USD')).toBe(text);
  });

  test.each([
    [0, '$0.00'],
    [0.0027397, '$0.0027'],
    [0.051299, '$0.051'],
    [0.05, '$0.05'],
    [0.099, '$0.099'],
    [0.1, '$0.10'],
    [1.239, '$1.24'],
    [0.00000123, '$0.0000012'],
  ])('as a unit price keeps two significant digits: %d', (amount, text) => {
    expect(formatPrice(amount, 'USD')).toBe(text);
  });
});

test.each([
  [0, '0 B'],
  [577, '577 B'],
  [1024, '1 KiB'],
  [1536, '1.5 KiB'],
  [54_642, '53.4 KiB'],
  [1024 ** 2 - 1, '1 MiB'],
  [2_023_596_032, '1.88 GiB'],
  [512 * 1024 ** 3, '512 GiB'],
])('a size of %d bytes reads %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [0, '0.0 s'],
  [420, '0.4 s'],
  [12_300, '12 s'],
  [59_700, '1 min 00 s'],
  [185_000, '3 min 05 s'],
  [7_800_000, '2 h 10 min'],
])('%d ms read %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test.each([
  [0, 'just now'],
  [-44, 'just now'],
  [-60, '1 minute ago'],
  [-5 * 60, '5 minutes ago'],
  [180, 'in 3 minutes'],
  [-3600, '1 hour ago'],
  [-86_400, 'yesterday'],
  [-3 * 86_400, '3 days ago'],
  [-400 * 86_400, '19 Oct 2025'],
])('a moment %d seconds away reads %s', (seconds, text) => {
  const now = Date.UTC(2026, 10, 23, 12);
  expect(formatRelative(new Date(now + seconds * 1000).toISOString(), now)).toBe(text);
});

test('a number agrees with its noun', () => {
  expect([count(0, 'file'), count(1, 'file'), count(1200, 'file')]).toEqual(['0 files', '1 file', '1,200 files']);
});
