/** `a.ipynb`, `a1.ipynb`, `a2.ipynb`, … with `insert` before the number. @see jupyter_server's increment_filename */
export function* numberedNames(name: string, insert: string): Generator<string> {
  const { base, suffix } = partsOf(name);
  for (let number = 0; number < 10_000; number++)
    yield `${base}${number === 0 ? '' : `${insert}${String(number)}`}${suffix}`;
}

/** Names for copies of `name`: itself where it is free, then `a-Copy1.ipynb`, … A copy's copy is numbered, not nested. */
export function copyNames(name: string): Generator<string> {
  return numberedNames(name.replace(/-Copy\d*\./g, '.'), '-Copy');
}

/** What a new file without a name is called. */
export function untitledNames(type: 'notebook' | 'file' | 'directory', extension: string): Generator<string> {
  switch (type) {
    case 'directory':
      return numberedNames(`Untitled Folder${extension}`, ' ');
    case 'notebook':
      return numberedNames('Untitled.ipynb', '');
    case 'file':
      return numberedNames(`untitled${extension}`, '');
  }
}

// The whole of `.tar.gz` is a suffix; of a notebook only `.ipynb` is, since its name is often a sentence with dots.
function partsOf(name: string): { base: string; suffix: string } {
  const at = name.endsWith('.ipynb') ? name.length - '.ipynb'.length : name.indexOf('.');
  return at === -1 ? { base: name, suffix: '' } : { base: name.slice(0, at), suffix: name.slice(at) };
}
