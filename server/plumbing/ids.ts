import { createHash, randomBytes } from 'node:crypto';

const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789';

/**
 * A new id: 16 lower-case letters and digits (80 random bits), starting with a letter, so that it can stand in a host
 * name, a path and a container name as it is.
 */
export function newId(): string {
  const bytes = randomBytes(16);
  let id = '';
  for (const byte of bytes) id += alphabet[byte % alphabet.length] ?? '';
  return /^[a-z]/.test(id) ? id : `t${id.slice(1)}`;
}

/** 32 random bytes as URL-safe text. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** What is stored of a secret: enough to recognise it, not enough to use it. */
export function secretHash(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
