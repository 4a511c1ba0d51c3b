import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { AppError, Environment, ErrorBody, Kernel } from '@terrarium/contract';
import * as z from 'zod';

/** What the environment that a start would make costs. */
export const Estimate = z.object({
  perHourRunning: z.number(),
  perHourAsleep: z.number(),
  perHourPaused: z.number(),
  diskPerMonth: z.number(),
  currency: z.string(),
});
export type Estimate = z.infer<typeof Estimate>;

const settings = ServerConnection.makeSettings();

/** The environment of this person in this workspace, or null when there is none. */
export function fetchEnvironment(): Promise<Environment | null> {
  return send('environment', 'GET', Environment.nullable());
}

/** Resumes the environment, wakes it, or creates one with the installation's defaults. */
export function startEnvironment(): Promise<Environment> {
  return send('environment/start', 'POST', Environment);
}

/** Pauses it now, or as soon as what runs now has ended. */
export function pauseEnvironment(when: 'now' | 'idle'): Promise<Environment> {
  return send(`environment/stop?when=${when}`, 'POST', Environment);
}

export function sleepEnvironment(): Promise<Environment> {
  return send('environment/sleep', 'POST', Environment);
}

/** Until that moment it neither sleeps nor pauses by itself; null takes that back, and a pause when idle too. */
export function keepEnvironmentRunning(until: string | null): Promise<Environment> {
  return send('environment/keep-running', 'POST', Environment, { until });
}

/** The kernels of that environment, with what they take. */
export function fetchKernels(): Promise<Kernel[]> {
  return send('kernels', 'GET', z.array(Kernel));
}

export function fetchEstimate(): Promise<Estimate> {
  return send('estimate', 'GET', Estimate);
}

/** Makes a notebook of the workspace of a playground. @returns where it is now */
export function keepPlayground(body: { path: string; to: string }): Promise<{ path: string }> {
  return send('notebooks/keep', 'POST', z.object({ path: z.string() }), body);
}

export function eventsUrl(): string {
  return URLExt.join(PageConfig.getBaseUrl(), 'terrarium/events');
}

async function send<Schema extends z.ZodType>(
  path: string,
  method: 'GET' | 'POST',
  schema: Schema,
  content?: unknown,
): Promise<z.infer<Schema>> {
  const url = URLExt.join(PageConfig.getBaseUrl(), 'terrarium', path);
  let response: Response;
  try {
    // Carries the XSRF header where the server sets that cookie.
    const init = {
      method,
      cache: 'no-store',
      ...(content === undefined ? {} : { body: JSON.stringify(content) }),
    } as const;
    response = await ServerConnection.makeRequest(url, init, settings);
  } catch (error) {
    throw new AppError('DriverUnavailable', 'Terrarium cannot be reached. Check the connection and try again.', {
      cause: error,
    });
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return schema.parse(body);
  const problem = ErrorBody.safeParse(body);
  if (problem.success) throw new AppError(problem.data.code, problem.data.message);
  if (response.status === 401) {
    throw new AppError(
      'NotSignedIn',
      'You are signed out. Open this workspace from the app again; the page keeps your edits meanwhile.',
    );
  }
  throw new AppError('Internal', `The server answered ${response.status} ${response.statusText}.`);
}
