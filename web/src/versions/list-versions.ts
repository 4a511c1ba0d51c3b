import type { NotebookVersion } from '@terrarium/contract';

/** A version as the list shows it, with the saves shortly before it that it stands for. */
export interface ListedVersion {
  readonly version: NotebookVersion;
  /** Newest first. */
  readonly folded: readonly NotebookVersion[];
}

export interface DayOfVersions {
  /** The day in the reader's own time zone, as YYYY-MM-DD. */
  readonly day: string;
  readonly entries: readonly ListedVersion[];
}

const foldedWithinMs = 5 * 60_000;

/** Versions by day. Saves of the same people within five minutes are one entry. @param versions newest first */
export function listVersions(versions: readonly NotebookVersion[]): DayOfVersions[] {
  const days: { day: string; entries: { version: NotebookVersion; folded: NotebookVersion[] }[] }[] = [];
  for (const version of versions) {
    const day = dayOf(Date.parse(version.at));
    let last = days.at(-1);
    if (last?.day !== day) {
      last = { day, entries: [] };
      days.push(last);
    }
    const entry = last.entries.at(-1);
    if (entry !== undefined && isFolded(version, entry.version)) entry.folded.push(version);
    else last.entries.push({ version, folded: [] });
  }
  return days;
}

function isFolded(version: NotebookVersion, into: NotebookVersion): boolean {
  return (
    version.kind === 'autosave' &&
    version.name === null &&
    !version.isCurrent &&
    (into.kind === 'autosave' || into.kind === 'checkpoint') &&
    Date.parse(into.at) - Date.parse(version.at) < foldedWithinMs &&
    peopleOf(version) === peopleOf(into)
  );
}

function peopleOf({ authors }: NotebookVersion): string {
  return authors
    .map(({ accountId }) => accountId)
    .toSorted()
    .join(' ');
}

/**
 * What an entry is compared with: the version before all that it stands for.
 * @returns undefined where the version stands for itself
 */
export function versionBefore(days: readonly DayOfVersions[], id: string): string | undefined {
  const entries = days.flatMap((day) => day.entries);
  const entry = entries.find(({ version }) => version.version === id);
  const oldest = entry?.folded.at(-1);
  if (oldest === undefined) return undefined;
  const all = entries.flatMap(({ version, folded }) => [version, ...folded]);
  return all.slice(all.indexOf(oldest) + 1).find(({ kind }) => kind !== 'conflict')?.version;
}

export function dayOf(ms: number): string {
  const date = new Date(ms);
  const two = (part: number) => String(part).padStart(2, '0');
  return `${String(date.getFullYear())}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

const dayFormat = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });

/** "Today", "Yesterday", "Friday 5 June 2026". */
export function dayTitle(day: string, nowMs: number): string {
  if (day === dayOf(nowMs)) return 'Today';
  const yesterday = new Date(nowMs);
  yesterday.setDate(yesterday.getDate() - 1);
  if (day === dayOf(yesterday.getTime())) return 'Yesterday';
  return dayFormat.format(new Date(`${day}T12:00:00`)).replace(',', '');
}

/** What happened, in words; the same for every version of a kind. */
export function kindTitle({ kind }: Pick<NotebookVersion, 'kind'>): string {
  const titles: Record<NotebookVersion['kind'], string> = {
    created: 'Created',
    autosave: 'Saved',
    checkpoint: 'Checkpoint',
    restore: 'Restored',
    upload: 'Uploaded',
    disk: 'Changed on the disk',
    conflict: 'Conflict, kept aside',
  };
  return titles[kind];
}

/** "Ada", "Ada and Bob", "Ada, Bob and Cem". */
export function peopleTitle({ authors }: Pick<NotebookVersion, 'authors'>): string {
  const names = authors.map(({ name }) => name);
  const last = names.pop();
  if (last === undefined) return '';
  return names.length === 0 ? last : `${names.join(', ')} and ${last}`;
}
