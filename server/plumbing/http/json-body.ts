import type { FastifyInstance } from 'fastify';

/**
 * Reads JSON bodies, and takes an empty one for none: many clients name the type of a body they do not send.
 * @param contentType  `*` reads every body as JSON, for clients that send it under any type or none
 */
export function acceptEmptyJson(app: FastifyInstance, contentType: 'application/json' | '*'): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  if (contentType === '*') app.removeAllContentTypeParsers();
  else app.removeContentTypeParser(contentType);
  app.addContentTypeParser(contentType, { parseAs: 'string' }, (request, body, done) => {
    if (body === '') {
      done(null, undefined);
      return;
    }
    // It answers through `done`; what it returns is for parsers written the other way.
    void parseJson(request, body.toString(), done);
  });
}
