/** What went wrong, as a sentence for a person with the next step in it; `logFile` has the details. */
export class PrepareError extends Error {
  /**
   * @param {string} message
   * @param {{ logFile?: string, cause?: unknown, isInterruption?: boolean }} [options]
   */
  constructor(message, options = {}) {
    super(message, { cause: options.cause });
    this.name = 'PrepareError';
    this.logFile = options.logFile;
    this.isInterruption = options.isInterruption === true;
  }
}

/** @type {[kind: FailureKind, pattern: RegExp][]} */
const patterns = [
  ['disk-full', /ENOSPC|No space left on device|not enough free space|EDQUOT|Disk quota exceeded/i],
  ['no-permission', /EACCES|EPERM|EROFS|Permission denied|Read-only file system|Operation not permitted/i],
  ['damaged-download', /EINTEGRITY|Hash Sum mismatch|THESE PACKAGES DO NOT MATCH THE HASHES/i],
  ['refused', /E401|E403|E407|401 Unauthorized|403 Forbidden|407 Proxy Authentication/i],
  [
    'no-network',
    /ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT|Temporary failure (in name resolution|resolving)|Could not resolve|Name or service not known|Network is unreachable|Could not connect|Connection (refused|timed out|failed)|Max retries exceeded|No matching distribution found|Failed to fetch/i,
  ],
];
/** @typedef {'disk-full' | 'no-permission' | 'no-network' | 'damaged-download' | 'refused' | 'other'} FailureKind */

/**
 * What kind of failure a program's output tells of.
 * @param {string} output
 * @returns {FailureKind}
 */
export function failureKind(output) {
  return patterns.find(([, pattern]) => pattern.test(output))?.[0] ?? 'other';
}

/**
 * Why it failed and what to do, to follow "<what> failed: ".
 * @param {FailureKind} kind
 * @param {{ source: string, folder: string }} about  where packages come from, and where they are written
 * @returns {string}
 */
export function failureAdvice(kind, { source, folder }) {
  /** @type {Record<FailureKind, string>} */
  const advice = {
    'disk-full': `the disk that holds ${folder} is full. Free some space (df -h shows what is used), then run it again.`,
    'no-permission': `this user may not write to ${folder}. Give it that right, or run as the user who owns the folder.`,
    'no-network': `${source} cannot be reached. Check the network (and the proxy settings, if there are any), then run it again.`,
    'damaged-download': `a downloaded package is damaged. Run it again; if it happens again, run "npm cache clean --force" first.`,
    refused: `${source} refused the request. Check the sign-in or proxy settings for it, then run it again.`,
    other: 'the reason is at the end of the log. Run it again once that is solved.',
  };
  return advice[kind];
}

/**
 * The sentence for a failed file operation of ours.
 * @param {unknown} error
 * @param {string} folder
 * @returns {PrepareError | undefined}  undefined when it is no such failure
 */
export function fileFailure(error, folder) {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  const kind = failureKind(String(error.code));
  if (kind !== 'disk-full' && kind !== 'no-permission') return undefined;
  return new PrepareError(`Preparing Terrarium failed: ${failureAdvice(kind, { source: '', folder })}`, {
    cause: error,
  });
}
