import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { AppError, errorStatus } from '@terrarium/contract';

/** Flat list. Nothing else shows this origin in a frame, guesses a type, or is told where a link came from. */
export const doorHeaders: readonly string[] = [
  'content-security-policy',
  "frame-ancestors 'none'",
  'x-content-type-options',
  'nosniff',
  'referrer-policy',
  'no-referrer',
  'cross-origin-resource-policy',
  'same-origin',
];

/** For a file that someone opens by its address: it may run, in an origin of its own. */
export const fileHeaders: readonly string[] = withPolicy("sandbox allow-scripts; frame-ancestors 'none'");

/** For what comes out of an environment or is read by programs: data, never a page. */
export const dataHeaders: readonly string[] = withPolicy("sandbox; default-src 'none'; frame-ancestors 'none'");

/**
 * For what a program in an environment serves on its workspace's origin: a page of its maker's, with its own policies, that
 * nobody else shows in a frame.
 */
export const programHeaders: readonly string[] = ['content-security-policy', "frame-ancestors 'self'"];

function withPolicy(policy: string): string[] {
  return doorHeaders.map((entry, at) => (at === 1 ? policy : entry));
}

/** The error body that Jupyter's clients show, which is also one of ours. */
export function errorBody(error: AppError): string {
  return JSON.stringify({ message: error.message, reason: error.code, code: error.code });
}

/** Anything thrown, as what a person may be told. */
export function told(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError('Internal', 'Something went wrong inside Terrarium. Its log has the details.', { cause: error });
}

export function answerJson(
  response: ServerResponse,
  status: number,
  body: string,
  headers: readonly string[] = dataHeaders,
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  response.writeHead(status, [
    'content-type',
    'application/json',
    'content-length',
    String(Buffer.byteLength(body)),
    'cache-control',
    'no-store',
    ...headers,
  ]);
  response.end(body);
}

export function answerError(response: ServerResponse, error: AppError): void {
  const challenge = error.code === 'NotSignedIn' ? ['www-authenticate', 'Bearer'] : [];
  answerJson(response, errorStatus[error.code], errorBody(error), [...dataHeaders, ...challenge]);
}

export function redirect(response: ServerResponse, location: string, headers: readonly string[] = []): void {
  response.writeHead(302, [
    'location',
    location,
    'content-length',
    '0',
    'cache-control',
    'no-store',
    ...doorHeaders,
    ...headers,
  ]);
  response.end();
}

/** A page with one sentence and a way on, for a person who followed a link that no longer works. */
export function answerSentence(response: ServerResponse, error: AppError, link: string): void {
  const text = (raw: string) => raw.replace(/[&<>"']/g, (sign) => `&#${String(sign.charCodeAt(0))};`);
  const page = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Terrarium</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:20vh auto;padding:0 1rem}</style>
<p>${text(error.message)}</p>
<p><a href="${text(link)}">Open Terrarium</a></p>
</html>
`;
  response.writeHead(errorStatus[error.code], [
    'content-type',
    'text/html; charset=utf-8',
    'content-length',
    String(Buffer.byteLength(page)),
    'cache-control',
    'no-store',
    ...withPolicy("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
  ]);
  response.end(page);
}

/** Refuses a WebSocket before it is one. */
export function refuseUpgrade(socket: Duplex, status: number, body: string): void {
  if (socket.destroyed) return;
  socket.end(
    `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

/** Whether a person's browser asks for a page, rather than a program or a script for data. */
export function isNavigation(request: IncomingMessage): boolean {
  if (request.method !== 'GET') return false;
  const mode = request.headers['sec-fetch-mode'];
  return mode === undefined ? (request.headers.accept ?? '').includes('text/html') : mode === 'navigate';
}
