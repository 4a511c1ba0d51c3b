import fs from 'node:fs/promises';
import * as z from 'zod';
import { AppError } from '@terrarium/contract';

const absolutePath = z.string().regex(/^\/(?!.*(^|\/)\.\.?(\/|$))/, 'is not an absolute path');

/**
 * What the preparation of this machine found or installed for kernels. scripts/kernels.mjs writes it, this driver shows
 * it as the one default image.
 */
export const KernelsManifest = z.object({
  /** Bound read-only into every machine under the same path, where /usr does not hold them anyway. */
  directories: z.array(absolutePath),
  /** Each holds `kernels/<name>/kernel.json`. */
  kernelspecDirectories: z.array(absolutePath),
  kernels: z.array(z.object({ name: z.string(), displayName: z.string(), language: z.string(), version: z.string() })),
  packages: z.array(z.object({ name: z.string(), version: z.string(), language: z.string() })),
  /** What is missing and what to do about it, a sentence each. */
  notes: z.array(z.string()),
});
export type KernelsManifest = z.infer<typeof KernelsManifest>;

const nothingYet: KernelsManifest = {
  directories: [],
  kernelspecDirectories: [],
  kernels: [],
  packages: [],
  notes: [],
};

/**
 * Reads the manifest anew each time, so that kernels installed later are offered without a restart.
 * @throws AppError DriverUnavailable  the file is there and cannot be understood
 */
export async function readKernelsManifest(file: string): Promise<KernelsManifest> {
  let text: string;
  try {
    text = await fs.readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return nothingYet;
    throw new AppError(
      'DriverUnavailable',
      `The list of kernels, ${file}, cannot be read. Run npm start again to make it anew.`,
      { cause: error },
    );
  }
  try {
    return KernelsManifest.parse(JSON.parse(text));
  } catch (error) {
    throw new AppError(
      'DriverUnavailable',
      `The list of kernels, ${file}, is damaged. Run npm start again to make it anew.`,
      { cause: error },
    );
  }
}
