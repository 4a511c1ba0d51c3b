const byExtension: Record<string, string> = {
  bed: 'text/plain; charset=utf-8',
  bz2: 'application/x-bzip2',
  css: 'text/css; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  fasta: 'text/plain; charset=utf-8',
  gif: 'image/gif',
  gz: 'application/gzip',
  html: 'text/html; charset=utf-8',
  ipynb: 'application/x-ipynb+json',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  log: 'text/plain; charset=utf-8',
  md: 'text/markdown; charset=utf-8',
  mp4: 'video/mp4',
  parquet: 'application/vnd.apache.parquet',
  pdf: 'application/pdf',
  png: 'image/png',
  py: 'text/x-python; charset=utf-8',
  r: 'text/x-r; charset=utf-8',
  rmd: 'text/markdown; charset=utf-8',
  sh: 'text/x-sh; charset=utf-8',
  svg: 'image/svg+xml',
  tar: 'application/x-tar',
  tsv: 'text/tab-separated-values; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
  vcf: 'text/plain; charset=utf-8',
  webp: 'image/webp',
  xml: 'application/xml',
  yaml: 'application/yaml',
  yml: 'application/yaml',
  zip: 'application/zip',
};

export const folderContentType = 'application/x-directory';
export const unknownContentType = 'application/octet-stream';

// What curl sends for --data, and what senders say when they do not know.
const saysNothing = new Set([unknownContentType, 'application/x-www-form-urlencoded', 'binary/octet-stream']);
const mediaType = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(\s*;\s*[\w-]+=("[^"\r\n]*"|[^\s;"]+))*$/;

/** The media type that a name's extension stands for, or null for an unknown one. */
export function guessContentType(key: string): string | null {
  const extension = /\.([a-z0-9]+)$/i.exec(key)?.[1]?.toLowerCase();
  return (extension === undefined ? undefined : byExtension[extension]) ?? null;
}

/** What to store for `key`: what the sender declared where that says something, or else by extension. */
export function contentTypeFor(key: string, declared: string | undefined): string {
  if (key.endsWith('/')) return folderContentType;
  const given = declared?.trim();
  if (given !== undefined && given.length <= 200 && mediaType.test(given)) {
    if (!saysNothing.has(given.toLowerCase().split(';')[0] ?? '')) return given;
  }
  return guessContentType(key) ?? unknownContentType;
}
