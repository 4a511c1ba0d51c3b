import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '@terrarium/contract';
import type { BucketOwner, Buckets } from './buckets.ts';
import { changedMeanwhile, conditionsOf, etagOf, matches, requestedRange } from './http-conditions.ts';
import type { ObjectInfo } from './object-store.ts';

/**
 * Answers GET and HEAD of one object: conditions, ranges, and headers that keep other people's bytes from acting as a
 * page of this origin.
 * @param disposition  `attachment` downloads; `inline` lets the browser show it, sandboxed
 * @returns what to send as the body
 */
export async function sendObject(
  buckets: Buckets,
  owner: BucketOwner,
  key: string,
  options: { request: FastifyRequest; reply: FastifyReply; disposition: 'attachment' | 'inline'; contentType?: string },
): Promise<Readable> {
  const { request, reply } = options;
  const { headers } = request;
  // The object may be replaced between looking and reading, so a read names the generation that was looked at.
  for (let attempt = 0; attempt < 5; attempt++) {
    const info = await buckets.head(owner, key);
    if (info === null) throw noSuchObject(key);
    const conditions = conditionsOf(headers);
    if (!matches({ ...conditions, ifNoneMatch: undefined }, info)) throw changedMeanwhile(key, info);

    describe(reply, info, options);
    if (isUnchanged(headers, info)) {
      void reply.code(304);
      return nothing();
    }
    if (request.method === 'HEAD') {
      void reply.header('content-length', String(info.size));
      return nothing();
    }
    const range = isRangeOfThis(headers, info) ? requestedRange(headers.range, info.size) : undefined;
    if (range === 'unsatisfiable') {
      void reply.header('content-range', `bytes */${String(info.size)}`);
      throw new AppError(
        'RangeNotSatisfiable',
        `"${key}" has ${String(info.size)} bytes; the range that was asked for lies beyond its end.`,
      );
    }
    // What was described, even where it has been replaced since: a notebook whose cells run is stored again and again.
    const { generation } = info;
    const found = await buckets.get(owner, key, range === undefined ? { generation } : { generation, range });
    if (found === null) continue;
    if (found.info.generation !== info.generation) {
      found.body.destroy();
      continue;
    }
    if (range === undefined) void reply.header('content-length', String(info.size));
    else {
      void reply
        .code(206)
        .header('content-range', `bytes ${String(range.start)}-${String(range.end)}/${String(info.size)}`)
        .header('content-length', String(range.end - range.start + 1));
    }
    return found.body;
  }
  throw new AppError('DriverUnavailable', `"${key}" is being rewritten over and over. Try again in a moment.`);
}

// An empty stream: of a body of known length, Fastify would overwrite the content-length of a HEAD.
function nothing(): Readable {
  return Readable.from([]);
}

export function noSuchObject(key: string): AppError {
  return new AppError('NotFound', `There is no "${key}" in this bucket.`);
}

function describe(
  reply: FastifyReply,
  info: ObjectInfo,
  { disposition, contentType }: { disposition: 'attachment' | 'inline'; contentType?: string },
): void {
  void reply
    .header('content-type', contentType ?? info.contentType)
    .header('etag', etagOf(info))
    .header('last-modified', info.updatedAt.toUTCString())
    .header('accept-ranges', 'bytes')
    .header('cache-control', 'private, no-cache')
    .header('x-content-type-options', 'nosniff')
    .header('content-disposition', `${disposition}; ${fileNameParameters(info.key)}`)
    // Should a browser show it after all, it runs in an origin of its own and may load nothing.
    .header(
      'content-security-policy',
      disposition === 'attachment'
        ? "default-src 'none'; sandbox; frame-ancestors 'none'"
        : "sandbox allow-scripts; frame-ancestors 'none'",
    );
}

/** `filename` for every client, `filename*` (RFC 6266) where the name is more than plain ASCII. */
function fileNameParameters(key: string): string {
  const name = key.replace(/\/$/, '').split('/').at(-1) ?? key;
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  if (plain === name) return `filename="${name}"`;
  const encoded = encodeURIComponent(name).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return `filename="${plain}"; filename*=UTF-8''${encoded}`;
}

function isUnchanged(headers: IncomingHttpHeaders, info: ObjectInfo): boolean {
  const { ifNoneMatch } = conditionsOf(headers);
  if (ifNoneMatch !== undefined) return !matches({ ifMatch: undefined, ifNoneMatch }, info);
  const since = Date.parse(headers['if-modified-since'] ?? '');
  // HTTP dates have whole seconds.
  return !Number.isNaN(since) && Math.floor(info.updatedAt.getTime() / 1000) * 1000 <= since;
}

/** False when If-Range names another version than this one: then the whole of it is sent. */
function isRangeOfThis(headers: IncomingHttpHeaders, info: ObjectInfo): boolean {
  const condition = headers['if-range'];
  if (condition === undefined) return true;
  // A date cannot tell two writes in one second apart, so only the entity tag counts.
  return condition === etagOf(info);
}
