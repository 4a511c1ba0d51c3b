import path from 'node:path';
import * as z from 'zod';
import { defaultShape, PriceTable } from '@terrarium/contract';

/** Everything that can be set, read once at start. */
export interface Config {
  readonly port: number;
  readonly dataDirectory: string;
  /** Where people reach the app, without a trailing slash: http://localhost:4280. Workspaces are its subdomains. */
  readonly publicUrl: string;
  readonly logLevel: string;
  readonly prices: PriceTable;
  readonly defaults: {
    readonly cpus: number;
    readonly memoryGiB: number;
    readonly diskGiB: number;
    readonly bootDiskGiB: number;
    readonly autopauseMinutes: number;
    readonly sleepMinutes: number;
  };
  /** How long a startup script may run. */
  readonly startupScriptMinutes: number;
  /** How many machines of the default shape are kept ready for new environments. */
  readonly poolSize: number;
  readonly ownerEmail: string;
  readonly ownerName: string;
}

/** Terra's published list prices for us-central1, so that an estimate means something before a table is set. */
const defaultPrices: PriceTable = {
  currency: 'USD',
  cpuHour: 0.031611,
  memoryGiBHour: 0.004237,
  gpuHour: 0.35,
  diskGiBMonth: 0.04,
  bootDiskGiBMonth: 0.04,
};

const settings = z.object({
  TERRARIUM_PORT: z.coerce
    .number('is not a number; give a port between 1 and 65535, or leave it out for 4280')
    .int('is not a whole number; give a port between 1 and 65535')
    .min(0, 'is below 0; give a port between 1 and 65535')
    .max(65_535, 'is above 65535; give a port between 1 and 65535')
    .default(4280),
  TERRARIUM_DATA: z.string().min(1, 'is empty; give a folder, or leave it out for ./data').default('data'),
  TERRARIUM_PUBLIC_URL: z
    .url({ protocol: /^https?$/, error: 'is not a web address; give one like https://terrarium.example.org' })
    .transform((url) => url.replace(/\/+$/, ''))
    .optional(),
  TERRARIUM_LOG_LEVEL: z
    .enum(
      ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
      'is not a log level; give trace, debug, info, warn, error or silent',
    )
    .default('warn'),
  TERRARIUM_PRICES: z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue({ code: 'custom', message: 'is not JSON; give an object like {"cpuHour": 0.03}' });
        return z.NEVER;
      }
    })
    .pipe(PriceTable.partial())
    .optional(),
  TERRARIUM_STARTUP_SCRIPT_MINUTES: z.coerce
    .number('is not a number; give minutes, or leave it out for 10')
    .positive('is not above 0; give minutes, or leave it out for 10')
    .max(1440, 'is more than a day; give at most 1440 minutes')
    .default(10),
  TERRARIUM_POOL: z.coerce
    .number('is not a number; give how many environments to keep prepared, or leave it out for none')
    .int('is not a whole number; give how many environments to keep prepared')
    .min(0, 'is below 0; give 0 for none')
    .max(50, 'is above 50; give at most 50')
    .default(0),
  TERRARIUM_OWNER_EMAIL: z.email('is not an e-mail address').optional(),
  USER: z.string().optional(),
});

/** Thrown with every mistake at once, a line each. */
export class ConfigError extends Error {
  readonly problems: string[];

  constructor(problems: string[]) {
    super(
      `The configuration has ${problems.length === 1 ? 'a mistake' : `${String(problems.length)} mistakes`}:\n${problems.map((line) => `  ${line}`).join('\n')}`,
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** @throws ConfigError */
export function readConfig(
  environment: NodeJS.ProcessEnv = process.env,
  workingDirectory: string = process.cwd(),
): Config {
  const known = Object.keys(settings.shape);
  const problems = Object.keys(environment)
    .filter((name) => name.startsWith('TERRARIUM_') && !known.includes(name))
    .map(
      (name) =>
        `${name} is not a setting; the settings are ${known.filter((key) => key.startsWith('TERRARIUM_')).join(', ')}.`,
    );
  const parsed = settings.safeParse(environment);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const [name, ...inside] = issue.path.map(String);
      const value = environment[name ?? ''] ?? '';
      problems.push(
        `${name ?? ''}${inside.length === 0 ? '' : ` (${inside.join('.')})`}: "${value.slice(0, 60)}" ${issue.message}.`,
      );
    }
  }
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  const value = parsed.data;
  return {
    port: value.TERRARIUM_PORT,
    dataDirectory: path.resolve(workingDirectory, value.TERRARIUM_DATA),
    publicUrl: value.TERRARIUM_PUBLIC_URL ?? `http://localhost:${String(value.TERRARIUM_PORT)}`,
    logLevel: value.TERRARIUM_LOG_LEVEL,
    prices: { ...defaultPrices, ...definedOnly(value.TERRARIUM_PRICES ?? {}) },
    defaults: defaultShape,
    startupScriptMinutes: value.TERRARIUM_STARTUP_SCRIPT_MINUTES,
    poolSize: value.TERRARIUM_POOL,
    ownerEmail:
      value.TERRARIUM_OWNER_EMAIL ?? `${(value.USER ?? 'owner').replace(/[^\w.-]/g, '') || 'owner'}@localhost`,
    ownerName: value.USER ?? 'Owner',
  };
}

function definedOnly(prices: { [K in keyof PriceTable]?: PriceTable[K] | undefined }): Partial<PriceTable> {
  return Object.fromEntries(Object.entries(prices).filter(([, price]) => price !== undefined));
}
