const prefix = 'notebooks/.playground/';

/** Where a private copy would be stored, if it were: `notebooks/.playground/<id>/<name>.ipynb`. */
export function playgroundKey(id: string, sourceKey: string): string {
  return `${prefix}${id}/${sourceKey.slice(sourceKey.lastIndexOf('/') + 1)}`;
}

export function isPlaygroundKey(key: string): boolean {
  return key.startsWith(prefix);
}
