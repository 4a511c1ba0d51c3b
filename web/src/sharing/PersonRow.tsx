import { ActionIcon, Badge, Button, Checkbox, NativeSelect, Text, Tooltip } from '@mantine/core';
import {
  effective,
  grantProblem,
  includes,
  rightsAsked,
  WorkspaceRole,
  type AclEntry,
  type Invitation,
  type Rights,
  type Workspace,
} from '@terrarium/contract';
import { useMutation } from '@tanstack/react-query';
import { IconUserMinus } from '@tabler/icons-react';
import { useState } from 'react';
import { api } from '../api.ts';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { Hint } from '../ui/Hint.tsx';
import { useChangeAcl } from './queries.ts';
import classes from './ShareDialog.module.css';

interface PersonRowProps {
  workspace: Workspace;
  entry: AclEntry;
  isMe: boolean;
  onInvitation: (email: string, invitation: Invitation) => void;
  onRemoved: () => void;
}

/** One person of the workspace; what is chosen here holds at once. */
export function PersonRow({ workspace, entry, isMe, onInvitation, onRemoved }: PersonRowProps) {
  const { email, name, role, isPending, isCreator } = entry;
  const { namespace } = workspace;
  const change = useChangeAcl(workspace, (changed) => {
    if (changed === undefined) onRemoved();
  });
  const invite = useMutation({
    mutationFn: () => api.createInvitation({ params: { namespace, name: workspace.name, email } }),
    onSuccess: (invitation) => onInvitation(email, invitation),
  });
  const rights = effective(entry);
  // What is under way is shown as if it were done, from the click on; a refusal brings back what is.
  const [asked, setAsked] = useState<Rights>();
  const shown = asked === undefined ? rights : rightsAsked(asked, rights, workspace);
  const reason = isMe
    ? 'These are your own rights; others can change them.'
    : grantProblem(workspace, email, rights, rights);
  const set = (wanted: Partial<Rights>) => {
    // One after the other; a control that were disabled meanwhile would lose the keyboard's focus.
    if (change.isPending) return;
    const next =
      wanted.role === undefined ? { ...rights, ...wanted } : rightsAsked({ role: wanted.role }, rights, workspace);
    setAsked(next);
    change.mutate({ email, ...next }, { onSettled: () => setAsked(undefined) });
  };
  return (
    <li className={classes.person} aria-label={email}>
      <div className={classes.who}>
        <Text span fw={500} className={classes.email}>
          {email}
        </Text>
        {name !== '' && (
          <Text span c="dimmed" fz="sm">
            {name}
          </Text>
        )}
        {isMe && <Mark text="You" />}
        {isCreator && <Mark text="Creator" />}
        {isPending && <Mark text="Pending" title="Has not signed in yet" />}
        {isPending && reason === undefined && (
          <Button variant="default" size="xs" loading={invite.isPending} onClick={() => invite.mutate()}>
            New link
          </Button>
        )}
      </div>
      {reason !== undefined ? (
        <Text c="dimmed" fz="sm">
          {inWords(rights)}. {reason}
        </Text>
      ) : (
        <div className={classes.rights}>
          <NativeSelect
            aria-label={`Role of ${email}`}
            value={shown.role}
            onChange={(event) => set({ role: WorkspaceRole.parse(event.currentTarget.value) })}
          >
            {WorkspaceRole.options.map((option) => (
              <option
                key={option}
                disabled={!includes(workspace, { role: option, canShare: false, canCompute: false })}
              >
                {option}
              </option>
            ))}
          </NativeSelect>
          <Checkbox
            label="Can share"
            aria-label={`${email} can share`}
            checked={shown.canShare}
            disabled={role === 'OWNER'}
            onChange={(event) => set({ canShare: event.currentTarget.checked })}
          />
          <Checkbox
            label="Can compute"
            aria-label={`${email} can compute`}
            checked={shown.canCompute}
            disabled={role !== 'WRITER' || !effective(workspace).canCompute}
            onChange={(event) => set({ canCompute: event.currentTarget.checked })}
          />
          <Tooltip label="Remove">
            <ActionIcon
              aria-label={`Remove ${email}`}
              loading={change.isPending && change.variables.role === 'NO ACCESS'}
              onClick={() => change.mutate({ email, role: 'NO ACCESS' })}
            >
              <IconUserMinus size={16} />
            </ActionIcon>
          </Tooltip>
        </div>
      )}
      <ErrorNote error={change.error ?? invite.error} mt="xs" />
    </li>
  );
}

function Mark({ text, title }: { text: string; title?: string }) {
  return (
    <Hint reason={title}>
      <Badge variant="default" size="sm" tt="none" fw={500}>
        {text}
      </Badge>
    </Hint>
  );
}

function inWords({ role, canShare, canCompute }: Rights): string {
  return [role, ...(canShare ? ['can share'] : []), ...(canCompute ? ['can compute'] : [])].join(', ');
}
