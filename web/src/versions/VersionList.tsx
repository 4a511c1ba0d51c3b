import { ActionIcon } from '@mantine/core';
import type { NotebookVersion } from '@terrarium/contract';
import { Link } from '@tanstack/react-router';
import { IconBookmarkFilled, IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { useState, type KeyboardEvent } from 'react';
import { links } from '../links.ts';
import { useNow } from '../ui/clock.ts';
import { count } from '../ui/formats.ts';
import { When } from '../ui/When.tsx';
import { dayTitle, kindTitle, peopleTitle, type DayOfVersions, type ListedVersion } from './list-versions.ts';
import type { NotebookPlace } from './queries.ts';
import classes from './VersionList.module.css';

interface VersionListProps {
  place: NotebookPlace;
  days: readonly DayOfVersions[];
  selected: string | undefined;
  against: 'current' | undefined;
}

/** All versions, newest first. Arrow keys go from one to the next. */
export function VersionList(props: VersionListProps) {
  const now = useNow(60_000);
  return (
    <nav aria-label="Versions" className={classes.list} onKeyDown={moveFocus}>
      {props.days.map(({ day, entries }) => (
        <section key={day} aria-label={dayTitle(day, now)}>
          <h3 className={classes.day}>{dayTitle(day, now)}</h3>
          <ul className={classes.versions}>
            {entries.map((entry) => (
              <Entry key={entry.version.version} {...props} entry={entry} />
            ))}
          </ul>
        </section>
      ))}
    </nav>
  );
}

function Entry({ entry, ...props }: VersionListProps & { entry: ListedVersion }) {
  const { version, folded } = entry;
  const isInside = folded.some((each) => each.version === props.selected);
  const [isWished, setIsWished] = useState(false);
  const isOpen = isWished || isInside;
  const Chevron = isOpen ? IconChevronDown : IconChevronRight;
  return (
    <>
      <li className={classes.entry}>
        <VersionLink {...props} version={version} />
        {folded.length > 0 && (
          <ActionIcon
            className={classes.fold}
            aria-label={`${count(folded.length, 'save')} shortly before`}
            aria-expanded={isOpen}
            disabled={isInside}
            onClick={() => setIsWished(!isOpen)}
          >
            <Chevron size={16} />
          </ActionIcon>
        )}
      </li>
      {isOpen &&
        folded.map((each) => (
          <li key={each.version} className={classes.entry} data-folded>
            <VersionLink {...props} version={each} />
          </li>
        ))}
    </>
  );
}

function VersionLink({
  place,
  version,
  selected,
  against,
}: Omit<VersionListProps, 'days'> & { version: NotebookVersion }) {
  const people = peopleTitle(version);
  return (
    <Link
      {...links.history(place, place.path, { version: version.version, against })}
      className={classes.version}
      aria-current={version.version === selected ? 'page' : undefined}
      // What is compared changes, not the page.
      resetScroll={false}
      replace
    >
      <span className={classes.title} data-named={version.name !== null || undefined}>
        {version.name !== null && <IconBookmarkFilled size={14} aria-label="Named" />}
        <span>{version.name ?? kindTitle(version)}</span>
        {version.isCurrent && <span className={classes.current}>now</span>}
      </span>
      <span className={classes.detail}>
        {people !== '' && <span className={classes.people}>{people}</span>}
        {version.name !== null && <span>{kindTitle(version)}</span>}
        <When at={version.at} />
      </span>
    </Link>
  );
}

function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined) return;
  const all = [...event.currentTarget.querySelectorAll('a')];
  const at = all.findIndex((link) => link === document.activeElement);
  const next = all[at + step];
  if (at === -1 || next === undefined) return;
  event.preventDefault();
  next.focus();
}
