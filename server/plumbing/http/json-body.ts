import type { FastifyInstance } from 'fastify';

/** Reads JSON bodies, and takes an empty one for none: many clients name the type of a body they do not send. */
export function acceptEmptyJson(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') {
      done(null, undefined);
      return;
    }
    // It answers through `done`; what it returns is for parsers written the other way.
    void parseJson(request, body.toString(), done);
  });
}
