import fs from 'node:fs/promises';

/** The last `bytes` of a file, or '' when there is none. */
export async function tail(file: string, bytes: number): Promise<string> {
  const handle = await fs.open(file, 'r').catch(() => null);
  if (handle === null) return '';
  try {
    const { size } = await handle.stat();
    const buffer = Buffer.alloc(Math.min(size, bytes));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, Math.max(0, size - bytes));
    return buffer.subarray(0, bytesRead).toString();
  } finally {
    await handle.close();
  }
}
