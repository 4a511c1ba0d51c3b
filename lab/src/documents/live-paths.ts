const notebook = /^notebooks\/(?:.*\/)?[^/]+\.ipynb$/i;
const playgroundFolder = /^\/?notebooks\/\.playground(?:\/[^/]+)?\/?$/;
const playground = /^notebooks\/\.playground\/[^/]+\/([^/]+\.ipynb)$/i;

/** Whether a file is a live document of the workspace; everything else is on the environment's disk, or is no notebook. */
export function isLivePath(path: string): boolean {
  return notebook.test(path);
}

/** The notebook's own name where the path is that of a playground: a private copy whose edits reach no workspace. */
export function playgroundName(path: string): string | undefined {
  return playground.exec(path)?.[1];
}

/** A folder that holds playgrounds. Nothing lists what is in it: each is known to its owner alone. */
export function isPlaygroundFolder(path: string): boolean {
  return playgroundFolder.test(path);
}

/** A name beside `path` that tells the two apart: `a/b.ipynb` becomes `a/b (mine 2026-01-31 09-05-00).ipynb`. */
export function copyPath(path: string, now: Date): string {
  const stamp = now.toISOString().slice(0, 19).replaceAll(':', '-').replace('T', ' ');
  const dot = path.lastIndexOf('.');
  return dot <= path.lastIndexOf('/')
    ? `${path} (mine ${stamp})`
    : `${path.slice(0, dot)} (mine ${stamp})${path.slice(dot)}`;
}
