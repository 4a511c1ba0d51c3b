import { Button, Group, Modal, Skeleton, Stack, Text, Title } from '@mantine/core';
import type { Invitation, Workspace } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { useAccount } from '../accounts/session.ts';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { useReturnFocus } from '../ui/return-focus.ts';
import { AddPersonForm } from './AddPersonForm.tsx';
import { InvitationNote } from './InvitationNote.tsx';
import { PersonRow } from './PersonRow.tsx';
import { aclQuery } from './queries.ts';
import classes from './ShareDialog.module.css';

/** Who is in the workspace, and what each may do there. */
export function ShareDialog({ workspace, onClose }: { workspace: Workspace; onClose: () => void }) {
  useReturnFocus();
  const account = useAccount();
  const people = useQuery(aclQuery(workspace));
  const [handover, setHandover] = useState<{ email: string; invitation: Invitation }>();
  const [added, setAdded] = useState<string>();
  const heading = useRef<HTMLHeadingElement>(null);
  return (
    <Modal opened onClose={onClose} title="Share workspace" size={680} closeOnClickOutside={handover === undefined}>
      <Stack gap="md">
        <AddPersonForm
          workspace={workspace}
          people={people.data}
          onAdded={({ email, invitation }) => {
            setHandover(invitation === null ? undefined : { email, invitation });
            setAdded(invitation === null ? email : undefined);
          }}
        />
        {handover !== undefined && <InvitationNote {...handover} />}
        {added !== undefined && <Text role="status">{added} can open this workspace now.</Text>}
        <section aria-labelledby="people-of-workspace">
          <Title order={3} id="people-of-workspace" mb="xs" ref={heading} tabIndex={-1}>
            People
          </Title>
          <ErrorNote error={people.error} retry={() => void people.refetch()} />
          {people.data === undefined && people.error === null && <Skeleton height={96} aria-label="Loading" />}
          <ul className={classes.people}>
            {people.data?.map((entry) => (
              <PersonRow
                key={entry.email}
                workspace={workspace}
                entry={entry}
                isMe={entry.email === account.email}
                // The row that had the focus is gone.
                onRemoved={() => heading.current?.focus()}
                onInvitation={(email, invitation) => {
                  setHandover({ email, invitation });
                  setAdded(undefined);
                }}
              />
            ))}
          </ul>
        </section>
        <Text c="dimmed" fz="sm">
          A READER reads notebooks and files, a WRITER changes them, an OWNER decides over the workspace. “Can compute”
          is to run an environment, which the billing project {workspace.namespace} pays for. Whoever is removed is out
          at once; the environment is paused.
        </Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Done
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
