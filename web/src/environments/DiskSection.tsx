import { Button, Skeleton, Text } from '@mantine/core';
import { environmentActionProblem, type DiskFolders, type Environment } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { IconArrowsMaximize } from '@tabler/icons-react';
import { useState } from 'react';
import { GrowDiskDialog } from '../disks/GrowDiskDialog.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { formatBytes } from '../ui/formats.ts';
import { Section } from '../ui/Page.tsx';
import classes from './DiskSection.module.css';
import { diskFoldersQuery } from './queries.ts';
import { diskLevel, fullness, isHigh } from './warnings.ts';

/** The persistent disk: how full it is, what takes the room, and more room. */
export function DiskSection({ environment }: { environment: Environment }) {
  const { disk, status } = environment;
  const level = diskLevel(environment);
  const [isAsked, setIsAsked] = useState(false);
  const [isGrowing, setIsGrowing] = useState(false);
  if (disk === null) return null;
  const isFull = isHigh(level);
  const isShown = status === 'Running' && (isAsked || isFull);
  return (
    <Section
      title="Disk"
      actions={
        environmentActionProblem(status, 'update') === undefined && (
          <Button
            variant="default"
            size="xs"
            leftSection={<IconArrowsMaximize size={14} aria-hidden />}
            onClick={() => setIsGrowing(true)}
          >
            Grow disk
          </Button>
        )
      }
    >
      <Text c={isFull ? 'var(--warning)' : 'dimmed'} fz="sm">
        {disk.name}, {disk.sizeGiB} GiB
        {disk.growsToGiB !== null && `, growing to ${String(disk.growsToGiB)} GiB`}
        {level !== undefined && level.used !== null && `: ${fullness(level)}`}
      </Text>
      {status === 'Running' && !isShown && (
        <Button variant="subtle" size="compact-sm" mt={4} ml={-8} onClick={() => setIsAsked(true)}>
          Show what takes the most room
        </Button>
      )}
      {isShown && <Biggest environment={environment} />}
      {isGrowing && <GrowDiskDialog disk={disk} onClose={() => setIsGrowing(false)} />}
    </Section>
  );
}

function Biggest({ environment }: { environment: Environment }) {
  const folders = useQuery(diskFoldersQuery(environment));
  if (folders.data === undefined)
    return folders.error === null ? (
      <Skeleton height={120} mt="sm" aria-label="Looking through the disk" />
    ) : (
      <ErrorNote error={folders.error} retry={() => void folders.refetch()} mt="sm" />
    );
  return (
    <>
      <FolderList folders={folders.data} />
      <Button
        variant="subtle"
        size="compact-sm"
        mt={4}
        ml={-8}
        loading={folders.isFetching}
        onClick={() => void folders.refetch()}
      >
        Look again
      </Button>
    </>
  );
}

function FolderList({ folders: { entries, isComplete } }: { folders: DiskFolders }) {
  const largest = Math.max(1, ...entries.map(({ bytes }) => bytes));
  if (entries.length === 0)
    return (
      <Text c="dimmed" fz="sm" mt="xs">
        Nothing on the disk takes room worth naming.
      </Text>
    );
  return (
    <>
      <ul className={classes.folders} aria-label="What takes the most room">
        {entries.map(({ path, bytes, isFolder }) => (
          <li key={path}>
            <span className={classes.path} title={`~/${path}`}>
              ~/{path}
              {isFolder && '/'}
            </span>
            <span className={classes.bar} aria-hidden>
              {/* Set by style: the width is data. */}
              <span style={{ width: `${String((bytes / largest) * 100)}%` }} />
            </span>
            <span className={classes.bytes}>{formatBytes(bytes)}</span>
          </li>
        ))}
      </ul>
      {!isComplete && (
        <Text c="dimmed" fz="sm" mt={4}>
          There was no time to look at everything: there may be more.
        </Text>
      )}
    </>
  );
}
