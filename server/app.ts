import { existsSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import path from 'node:path';
import fastifyHelmet from '@fastify/helmet';
import fastifyRateLimit from '@fastify/rate-limit';
import fastifyStatic from '@fastify/static';
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { AppError, openApiDocument } from '@terrarium/contract';
import type { Principal } from './accounts/accounts.ts';
import type { Log } from './plumbing/log.ts';
import { createBinder, type Binder } from './plumbing/http/bind.ts';
import { answerErrors } from './plumbing/http/errors.ts';
import { acceptEmptyJson } from './plumbing/http/json-body.ts';

const jsonLimitBytes = 1024 * 1024;
const signInsPerMinute = 20;

/**
 * The app's HTTP side: /api from the endpoint table, and the web app for every other path. It does not listen and is not
 * ready yet; the gateway does both.
 */
export async function createApp(options: {
  log: Log;
  version: string;
  webDirectory: string;
  authenticate: (request: IncomingMessage) => Promise<Principal | null>;
  routes: (bind: Binder<Principal>) => void;
}): Promise<FastifyInstance> {
  const app: FastifyInstance = Fastify({
    // Widened, or the instance's type would differ from what plugins and binders take.
    // oxlint-disable-next-line typescript/no-unnecessary-type-assertion
    loggerInstance: options.log as FastifyBaseLogger,
    bodyLimit: jsonLimitBytes,
    // Keys and paths are longer than Fastify's default of 100 characters.
    routerOptions: { maxParamLength: 6000 },
    genReqId: () => crypto.randomUUID(),
  });
  answerErrors(app);
  acceptEmptyJson(app, 'application/json');
  // Streams of bytes are read by their handlers; JSON alone is parsed.
  app.addContentTypeParser('*', (_request, payload, done) => {
    done(null, payload);
  });
  await app.register(fastifyHelmet, {
    contentSecurityPolicy: {
      directives: {
        defaultSrc: ["'self'"],
        // Mantine sets styles as attributes; notebook pictures are data: and blob: addresses.
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:', 'blob:'],
        frameSrc: ["'self'", 'blob:', 'data:'],
        frameAncestors: ["'none'"],
        upgradeInsecureRequests: null,
      },
    },
    strictTransportSecurity: false,
    crossOriginEmbedderPolicy: false,
  });
  await app.register(fastifyRateLimit, { global: false });

  const bind = createBinder<Principal>(app, async (request) => {
    const principal = await options.authenticate(request.raw);
    if (principal === null) throw new AppError('NotSignedIn', 'Sign in first.');
    return principal;
  });
  app.addHook('onRoute', (route) => {
    if (route.url === '/api/session' && route.method === 'POST') {
      route.config = { ...route.config, rateLimit: { max: signInsPerMinute, timeWindow: '1 minute' } };
    }
  });
  bind.on('getHealth', async () => ({ status: 'ok' as const, version: options.version }));
  const document = openApiDocument(options.version);
  bind.on('getOpenApi', async () => document);
  options.routes(bind);

  await serveWeb(app, options.webDirectory);
  return app;
}

/** Any path that is not the API's is a page of the web app, which finds its own way. */
async function serveWeb(app: FastifyInstance, directory: string): Promise<void> {
  if (!existsSync(path.join(directory, 'index.html'))) return;
  await app.register(fastifyStatic, {
    root: directory,
    wildcard: false,
    setHeaders(response, file) {
      const isHashed = file.startsWith(path.join(directory, 'assets') + path.sep);
      response.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  app.get('/*', (request, reply) => {
    if (request.url.startsWith('/api/') || request.url.startsWith('/assets/')) {
      reply.callNotFound();
      return reply;
    }
    return reply.sendFile('index.html');
  });
}
