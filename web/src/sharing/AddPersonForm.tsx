import { Button, Checkbox, Group, NativeSelect, TextInput } from '@mantine/core';
import {
  AclChange,
  effective,
  includes,
  rightsAsked,
  WorkspaceRole,
  type AclEntry,
  type ChangedAclEntry,
  type Workspace,
} from '@terrarium/contract';
import { useState } from 'react';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { fieldErrors } from '../ui/form.ts';
import { useChangeAcl } from './queries.ts';
import classes from './ShareDialog.module.css';

interface AddPersonFormProps {
  workspace: Workspace;
  people: readonly AclEntry[] | undefined;
  onAdded: (entry: ChangedAclEntry) => void;
}

/** Lets a person in by e-mail address. */
export function AddPersonForm({ workspace, people, onAdded }: AddPersonFormProps) {
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<WorkspaceRole>('READER');
  const [flags, setFlags] = useState<{ canShare?: boolean; canCompute?: boolean }>({});
  const [problem, setProblem] = useState<string>();
  const wanted = rightsAsked({ role, ...flags }, null, workspace);
  const add = useChangeAcl(workspace, (entry) => {
    setEmail('');
    setFlags({});
    if (entry !== undefined) onAdded(entry);
  });

  function submit(): void {
    const change = { email, ...wanted };
    const typed = AclChange.safeParse(change);
    const present = people?.find((entry) => typed.success && entry.email === typed.data.email && !entry.isPending);
    const found =
      fieldErrors(AclChange, change)['email'] ??
      (present === undefined ? undefined : `${present.email} is here already. Change the rights in the list below.`);
    setProblem(found);
    if (found === undefined && typed.success) add.mutate(typed.data);
  }

  return (
    <form
      noValidate
      aria-label="Add a person"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <div className={classes.add}>
        <TextInput
          label="E-mail address"
          type="email"
          autoComplete="off"
          data-autofocus
          value={email}
          error={problem}
          onChange={(event) => {
            setEmail(event.currentTarget.value);
            setProblem(undefined);
          }}
        />
        <NativeSelect
          label="Role"
          value={role}
          onChange={(event) => setRole(WorkspaceRole.parse(event.currentTarget.value))}
        >
          {WorkspaceRole.options.map((option) => (
            <option key={option} disabled={!includes(workspace, { role: option, canShare: false, canCompute: false })}>
              {option}
            </option>
          ))}
        </NativeSelect>
        <Group gap="md" className={classes.flags}>
          <Checkbox
            label="Can share"
            checked={wanted.canShare}
            disabled={role === 'OWNER'}
            onChange={(event) => setFlags({ ...flags, canShare: event.currentTarget.checked })}
          />
          <Checkbox
            label="Can compute"
            checked={wanted.canCompute}
            disabled={role !== 'WRITER' || !effective(workspace).canCompute}
            onChange={(event) => setFlags({ ...flags, canCompute: event.currentTarget.checked })}
          />
        </Group>
        <Button type="submit" loading={add.isPending} className={classes.submit}>
          Add
        </Button>
      </div>
      <ErrorNote error={add.error} mt="xs" />
    </form>
  );
}
