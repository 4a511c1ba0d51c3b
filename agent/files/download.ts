import { open } from 'node:fs/promises';
import { constants } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { HttpError } from '../http-error.ts';
import type { Call } from '../router.ts';
import type { DiskPath } from './disk-path.ts';
import { mimeTypeOf } from './mime.ts';

/** Sends a file's bytes: the whole, or the one range that was asked for. */
export async function sendFile(at: DiskPath, { request, response, query }: Call): Promise<void> {
  // eslint-disable-next-line no-bitwise
  const file = await open(at.target, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw new HttpError(400, `${at.api} is a directory, not a file`, 'bad type');
    const type = mimeTypeOf(at.name) ?? 'application/octet-stream';
    const headers: Record<string, string> = {
      'content-type': type.startsWith('text/') ? `${type}; charset=UTF-8` : type,
      'accept-ranges': 'bytes',
      'last-modified': facts.mtime.toUTCString(),
      etag: `"${facts.mtimeMs.toString(36)}-${facts.size.toString(36)}"`,
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      // HTML of a notebook's author must not act as the person who looks at it.
      'content-security-policy': 'sandbox allow-scripts',
    };
    if ((query.get('download') ?? '') !== '') headers['content-disposition'] = attachment(at.name);
    const range = rangeOf(request.headers.range, facts.size);
    if (range === 'unsatisfiable') {
      response.writeHead(416, { 'content-range': `bytes */${String(facts.size)}`, 'content-length': 0 }).end();
      return;
    }
    const { start, end } = range ?? { start: 0, end: facts.size - 1 };
    headers['content-length'] = String(end - start + 1);
    if (range !== null) headers['content-range'] = `bytes ${String(start)}-${String(end)}/${String(facts.size)}`;
    response.writeHead(range === null ? 200 : 206, headers);
    if (request.method === 'HEAD' || end < start) response.end();
    else await pipeline(file.createReadStream({ start, end, autoClose: false }), response);
  } finally {
    await file.close();
  }
}

/** Null for the whole file; several ranges are answered with the whole, as RFC 9110 allows. */
function rangeOf(header: string | undefined, size: number): { start: number; end: number } | 'unsatisfiable' | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return null;
  const last = size - 1;
  if (match[1] === '') {
    const length = Number(match[2]);
    return length === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - length), end: last };
  }
  const start = Number(match[1]);
  const end = match[2] === '' ? last : Math.min(Number(match[2]), last);
  if (start > last) return 'unsatisfiable';
  return end < start ? null : { start, end };
}

function attachment(name: string): string {
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\]/g, '_');
  const encoded = encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=utf-8''${encoded}`;
}
