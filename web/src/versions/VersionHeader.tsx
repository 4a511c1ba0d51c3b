import { Button, Title } from '@mantine/core';
import type { NotebookVersion } from '@terrarium/contract';
import { IconBookmark, IconRestore } from '@tabler/icons-react';
import { formatBytes, formatMoment } from '../ui/formats.ts';
import { disabledBecause, Hint } from '../ui/Hint.tsx';
import { kindTitle, peopleTitle } from './list-versions.ts';
import classes from './VersionHeader.module.css';

interface VersionHeaderProps {
  version: NotebookVersion;
  problem: string | undefined;
  isBusy: boolean;
  onName: () => void;
  onRestore: () => void;
}

/** Which version is looked at, and what can be done with it as a whole. */
export function VersionHeader({ version, problem, isBusy, onName, onRestore }: VersionHeaderProps) {
  const people = peopleTitle(version);
  const restoreProblem = problem ?? (version.isCurrent ? 'This is what the notebook is now.' : undefined);
  return (
    <header className={classes.header}>
      <div className={classes.names}>
        <Title order={3}>{version.name ?? kindTitle(version)}</Title>
        <p className={classes.detail}>
          {[
            ...(people === '' ? [] : [people]),
            ...(version.name === null ? [] : [kindTitle(version)]),
            formatMoment(version.at),
            formatBytes(version.size),
          ].join(' · ')}
        </p>
      </div>
      <div className={classes.actions}>
        <Hint reason={problem}>
          <Button
            variant="default"
            leftSection={<IconBookmark size={16} aria-hidden />}
            {...disabledBecause(problem, onName)}
          >
            {version.name === null ? 'Name this version' : 'Rename'}
          </Button>
        </Hint>
        <Hint reason={restoreProblem}>
          <Button
            variant="default"
            loading={isBusy}
            leftSection={<IconRestore size={16} aria-hidden />}
            {...disabledBecause(restoreProblem, onRestore)}
          >
            Restore this version
          </Button>
        </Hint>
      </div>
    </header>
  );
}
