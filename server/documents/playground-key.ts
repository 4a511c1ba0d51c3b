const prefix = 'notebooks/.playground/';

/** Where a private copy would be stored, if it were: `notebooks/.playground/<id>/<name>.ipynb`. */
export function playgroundKey(id: string, sourceKey: string): string {
  return `${prefix}${id}/${sourceKey.slice(sourceKey.lastIndexOf('/') + 1)}`;
}

/** May this account read, write, run and list a playground? The one place that answers: only who made it may. */
export function mayUsePlayground(madeBy: string | null, accountId: string): boolean {
  return madeBy === accountId;
}

export function isPlaygroundKey(key: string): boolean {
  return key.startsWith(prefix);
}
