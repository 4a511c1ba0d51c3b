import { isPlaygroundPath, playgroundDays, type EnvironmentStatus, type WorkspaceRole } from '@terrarium/contract';

/** What can be done with a notebook from outside JupyterLab. The first three are its modes. */
export const notebookActions = [
  'edit',
  'playground',
  'preview',
  'history',
  'copy',
  'copyToWorkspace',
  'rename',
  'download',
  'delete',
] as const;
export type NotebookAction = (typeof notebookActions)[number];

export const notebookActionTitle: Record<NotebookAction, string> = {
  edit: 'Edit',
  playground: 'Playground',
  preview: 'Preview',
  history: 'History',
  copy: 'Make a copy…',
  copyToWorkspace: 'Copy to another workspace…',
  rename: 'Rename…',
  download: 'Download',
  delete: 'Delete…',
};

export interface ModeFacts {
  readonly role: WorkspaceRole;
  readonly canCompute: boolean;
  /** E-mail address of whom to ask for more. */
  readonly owner: string;
  /** Status of the person's environment here; null where there is none. */
  readonly environment: EnvironmentStatus | null;
}

export interface Offer {
  /** Why it cannot be done, as a sentence; undefined when it can. */
  readonly problem: string | undefined;
  /** What it does, where its name alone does not say; undefined when it cannot be done. */
  readonly hint: string | undefined;
}

/** The one table of who may do what with a notebook, and what comes of it now. Buttons and menus follow it. */
export function offersFor(facts: ModeFacts): Record<NotebookAction, Offer> {
  const { role, canCompute, owner } = facts;
  const canWrite = role !== 'READER';
  const write = canWrite ? undefined : `You can read this workspace, not change it. Ask ${owner} for the role WRITER.`;
  const compute = canWrite && canCompute ? undefined : playgroundProblem(canWrite, owner);
  const offer = (problem: string | undefined, hint?: string): Offer => ({
    problem,
    hint: problem === undefined ? hint : undefined,
  });
  return {
    edit: offer(
      write,
      canCompute
        ? `Opens in JupyterLab; every edit is saved to the bucket. ${whenCellsRun(facts.environment)}`
        : `Opens in JupyterLab; every edit is saved to the bucket. Running cells takes the right to compute: ask ${owner}.`,
    ),
    playground: offer(
      compute,
      `A private copy with a kernel: try things out, nothing is saved to the bucket. Unused for ${String(playgroundDays)} days, it is deleted. ${whenCellsRun(facts.environment)}`,
    ),
    preview: offer(undefined, 'Read-only, without compute.'),
    history: offer(undefined, 'Earlier versions: who, when and what changed.'),
    copy: offer(write),
    copyToWorkspace: offer(undefined),
    rename: offer(write),
    download: offer(undefined),
    delete: offer(write),
  };
}

function playgroundProblem(canWrite: boolean, owner: string): string {
  const missing = canWrite ? 'the right to compute' : 'the role WRITER and the right to compute';
  return `A playground runs code, which takes ${missing}. Ask ${owner}, or copy the notebook to a workspace of your own.`;
}

function whenCellsRun(environment: EnvironmentStatus | null): string {
  switch (environment) {
    case 'Running':
    case 'Asleep':
      return 'Cells run at once.';
    case 'Creating':
    case 'Starting':
    case 'Updating':
      return 'Your Cloud Environment is starting; cells run when it is ready.';
    case 'Stopping':
    case 'Stopped':
      return 'Your Cloud Environment is paused; running a cell starts it.';
    case 'Error':
      return 'Your Cloud Environment has a problem; see its page before you run cells.';
    case null:
    case 'Deleting':
    case 'Deleted':
      return 'Running a cell creates your Cloud Environment.';
  }
}

/** Where a click on a notebook's name leads: to its editor for those who may edit. */
export function defaultMode(facts: Pick<ModeFacts, 'role'>): 'edit' | 'preview' {
  return facts.role === 'READER' ? 'preview' : 'edit';
}

/** The name of the notebook at that path, without the folders of a playground. */
export function nameWithin(path: string): string {
  return isPlaygroundPath(path) ? (path.split('/').at(-1) ?? path) : path;
}
