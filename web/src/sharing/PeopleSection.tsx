import { Badge, Button, Skeleton } from '@mantine/core';
import type { Workspace } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { Fact, Facts } from '../ui/Facts.tsx';
import { Section } from '../ui/Page.tsx';
import { aclQuery } from './queries.ts';
import { ShareDialog } from './ShareDialog.tsx';

/** Who is in the workspace, for those who may share it. */
export function PeopleSection({ workspace }: { workspace: Workspace }) {
  const people = useQuery(aclQuery(workspace));
  const [isSharing, setIsSharing] = useState(false);
  return (
    <Section
      title="People"
      actions={
        <Button variant="default" size="xs" onClick={() => setIsSharing(true)}>
          Manage
        </Button>
      }
    >
      <ErrorNote error={people.error} retry={() => void people.refetch()} />
      {people.data === undefined && people.error === null && <Skeleton height={48} aria-label="Loading" />}
      <Facts>
        {people.data?.map(({ email, role, isPending }) => (
          <Fact key={email} name={role}>
            {email}{' '}
            {isPending && (
              <Badge variant="default" size="sm" tt="none" fw={500}>
                Pending
              </Badge>
            )}
          </Fact>
        ))}
      </Facts>
      {isSharing && <ShareDialog workspace={workspace} onClose={() => setIsSharing(false)} />}
    </Section>
  );
}
