import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { AppError } from '@terrarium/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AgentDoor } from '../environments/agent-client.ts';
import type { AgentRoute } from '../kernels/agent-routes.ts';
import type { Agents } from '../kernels/agents.ts';
import type { SleepingLists } from '../environments/sleeping.ts';
import { visitorOf, type Visitor } from '../kernels/visitor.ts';
import { isAllowed } from '../workspaces/access.ts';
import { answerError, answerJson, dataHeaders, programHeaders, told } from './answers.ts';
import type { AgentProxy } from './agent-proxy.ts';
import { programPlace, urlAtAgent, type ProgramPort } from './program-ports.ts';
import { withoutToken, type Visitors } from './visitors.ts';

export interface AgentRequests {
  /** Carries out a request of `agentRoute`'s table. */
  send(visitor: Visitor, route: AgentRoute, request: IncomingMessage, response: ServerResponse, url: string): void;
  /**
   * Passes a request to a program that listens on a port in the visitor's environment.
   * @param fail  answers when there is none, or it cannot be reached
   */
  sendToProgram(
    visitor: Visitor,
    port: ProgramPort,
    request: IncomingMessage,
    response: ServerResponse,
    fail: (error: AppError) => void,
  ): void;
  /**
   * For a route of the door that finds it is the environment's to answer: streams the request to the agent and the
   * answer back, and takes the reply over. A body that was read already is sent again.
   * @param url  path and query as the agent sees them; as they came when left out
   * @throws AppError NotAllowed, EnvironmentPaused, EnvironmentNotReady
   */
  forwardToAgent(request: FastifyRequest, reply: FastifyReply, url?: string): Promise<void>;
  /**
   * Reads a JSON answer of the agent for the control plane itself.
   * @returns null when no environment runs
   */
  askAgent(visitor: Visitor, path: string, signal: AbortSignal): Promise<{ status: number; body: string } | null>;
}

export function createAgentRequests(options: {
  visitors: Visitors;
  agents: Agents;
  proxy: AgentProxy;
  /** `http:` or `https:`, as browsers see the door. */
  protocol: string;
}): AgentRequests {
  const { visitors, agents, proxy, protocol } = options;

  async function lookUp(
    visitor: Visitor,
    route: AgentRoute,
    request: IncomingMessage,
    response: ServerResponse,
    url: string,
  ): Promise<AgentDoor | null> {
    await visitors.requireRight(visitor, route.permission);
    const agent = await agents.find(visitor);
    if (agent !== null) {
      if (!isLook(request)) agents.noteUse(agent);
      return agent;
    }
    const listed = await agents.sleeping(visitor);
    if (listed !== null) {
      const answer = isLook(request) ? listedAnswer(listed, url) : null;
      // A drawing is looked at with every page, and nothing is lost without it.
      if (answer === null && isLook(request) && route.permission === 'read') throw await agents.absence(visitor);
      if (answer === null) return untilStarted(visitor, response);
      answerJson(response, answer.status, answer.body);
      return null;
    }
    if (route.whilePaused === 'emptyList' && !/^\/api\/\w+\/./.test(url)) {
      answerJson(response, 200, '[]');
      return null;
    }
    if (route.whilePaused !== 'start' || !visitor.isProgram) throw await agents.absence(visitor);
    return untilStarted(visitor, response);
  }

  async function untilStarted(visitor: Visitor, response: ServerResponse): Promise<AgentDoor> {
    const abort = new AbortController();
    const leave = () => {
      abort.abort();
    };
    response.once('close', leave);
    try {
      return await agents.start(visitor, abort.signal);
    } finally {
      response.off('close', leave);
    }
  }

  /** The visitor's agent for something that is use of it: one that sleeps, or is falling asleep, wakes. */
  async function agentInUse(visitor: Visitor, response: ServerResponse): Promise<AgentDoor | null> {
    const agent = agents.remembered(visitor) ?? (await agents.find(visitor));
    if (agent !== null) agents.noteUse(agent);
    else if ((await agents.sleeping(visitor)) !== null) return untilStarted(visitor, response);
    return agent;
  }

  function pass(
    visitor: Visitor,
    agent: AgentDoor,
    request: IncomingMessage,
    response: ServerResponse,
    url: string,
  ): void {
    proxy.forward(agent, request, response, {
      url,
      basePath: visitor.basePath,
      headers: dataHeaders,
      fail: (error) => {
        agents.forget(visitor);
        answerError(response, error);
      },
    });
  }

  return {
    send(visitor, route, request, response, url) {
      const agent = agents.remembered(visitor);
      if (agent !== undefined && isAllowed(visitor.access, route.permission)) {
        if (!isLook(request)) agents.noteUse(agent);
        pass(visitor, agent, request, response, url);
        return;
      }
      lookUp(visitor, route, request, response, url)
        .then((found) => {
          if (found !== null && !response.destroyed) pass(visitor, found, request, response, url);
        })
        .catch((error: unknown) => {
          answerError(response, told(error));
        });
    },

    sendToProgram(visitor, port, request, response, fail) {
      const { basePath } = visitor;
      (async () => {
        await visitors.requireRight(visitor, 'compute');
        const agent = await agentInUse(visitor, response);
        if (agent === null) throw await agents.absence(visitor);
        if (response.destroyed) return;
        proxy.forward(agent, request, response, {
          url: urlAtAgent(port, basePath),
          basePath,
          // What a program sends to the app's own origin must not be a page there.
          headers: basePath === '' ? programHeaders : dataHeaders,
          program: programPlace(port, { basePath, protocol, request }),
          fail: (error) => {
            if (error.code !== 'NotFound') agents.forget(visitor);
            fail(error);
          },
        });
      })().catch((error: unknown) => {
        fail(told(error));
      });
    },

    async forwardToAgent(request, reply, url) {
      const visitor = visitorOf(request.raw);
      await visitors.requireRight(visitor, 'compute');
      const agent = wakes(request.raw)
        ? await agentInUse(visitor, reply.raw)
        : (agents.remembered(visitor) ?? (await agents.find(visitor)));
      if (agent === null) throw await agents.absence(visitor);
      const body = bodyAgain(request.body);
      // Until bytes flow an error is Fastify's to tell; when they have, there is nothing left for it to answer.
      await new Promise<void>((resolve, reject) => {
        reply.raw.once('close', resolve);
        proxy.forward(agent, request.raw, reply.raw, {
          url: url ?? withoutToken(request.raw.url ?? '/'),
          basePath: visitor.basePath,
          headers: [],
          ...(body === undefined ? {} : { body }),
          fail: (error) => {
            agents.forget(visitor);
            reject(error);
          },
        });
      });
      reply.hijack();
    },

    async askAgent(visitor, path, signal) {
      const agent = agents.remembered(visitor) ?? (await agents.find(visitor));
      return agent === null ? null : proxy.ask(agent, path, signal);
    },
  };
}

function isLook(request: IncomingMessage): boolean {
  return request.method === 'GET' || request.method === 'HEAD';
}

/** A write wakes, and so does opening a file; a look at a folder, which pages take again and again, does not. */
function wakes(request: IncomingMessage): boolean {
  if (!isLook(request)) return true;
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://door');
  return pathname.startsWith('/files/') || ['file', 'notebook'].includes(searchParams.get('type') ?? '');
}

/** What is known of a list, or of one entry of it, while nobody can be asked; null for another path. */
function listedAnswer(listed: SleepingLists, url: string): { status: number; body: string } | null {
  const match = /^\/api\/(kernels|sessions|terminals)\/?(?:([^/?]+)\/?)?(?:\?.*)?$/.exec(url);
  const [, name, id] = match ?? [];
  if (name !== 'kernels' && name !== 'sessions' && name !== 'terminals') return null;
  if (id === undefined) return { status: 200, body: listed[name] };
  // The agent's own answers, kept as they came.
  const entries = JSON.parse(listed[name]) as { id?: string; name?: string }[];
  const entry = entries.find((one) => (name === 'terminals' ? one.name : one.id) === decodeURIComponent(id));
  return entry === undefined
    ? { status: 404, body: JSON.stringify({ message: `There is no ${id.slice(0, 60)} in the environment.` }) }
    : { status: 200, body: JSON.stringify(entry) };
}

/** What Fastify has read of a body, to be sent once more; undefined when it has not touched it. */
function bodyAgain(body: unknown): Buffer | Readable | undefined {
  if (body === undefined || body === null) return undefined;
  if (Buffer.isBuffer(body) || body instanceof Readable) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}
