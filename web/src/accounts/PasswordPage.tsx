import { Alert, Button, Group, PasswordInput, Stack, Text } from '@mantine/core';
import { endpoints } from '@terrarium/contract';
import { useMutation } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api.ts';
import { links } from '../links.ts';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { fieldErrors, serverErrors } from '../ui/form.ts';
import { ButtonLink } from '../ui/links.tsx';
import { Page } from '../ui/Page.tsx';
import { useAccount } from './session.ts';

export function PasswordPage() {
  const account = useAccount();
  const { isNew } = useSearch({ from: '/app/account/password' });
  const [password, setPassword] = useState('');
  const [repeated, setRepeated] = useState('');
  const [problems, setProblems] = useState<Record<string, string>>({});
  const save = useMutation({
    mutationFn: () => api.setPassword({ body: { password } }),
    onSuccess: () => {
      setPassword('');
      setRepeated('');
    },
  });
  const refused = serverErrors(save.error, ['password']);
  const toggle = { visibilityToggleButtonProps: { 'aria-label': 'Show password' } };
  return (
    <Page title="Set password" narrow>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          const found = fieldErrors(endpoints.setPassword.body, { password });
          if (found['password'] === undefined && repeated !== password) found['repeated'] = 'The two are not the same.';
          setProblems(found);
          if (Object.keys(found).length === 0) save.mutate();
        }}
      >
        <Stack gap="sm" maw={400}>
          {isNew === true && !save.isSuccess && (
            <Alert title="Welcome to Terrarium" p="sm">
              Your invitation is used up now: set a password to be able to sign in again, here or in another browser.
            </Alert>
          )}
          <Text c="dimmed">
            With a password you can sign in as {account.email} without a link. Other sessions of this account end when
            it changes.
          </Text>
          {/* Tells password managers which account this is for. */}
          <input type="email" name="email" autoComplete="username" value={account.email} readOnly hidden />
          <PasswordInput
            label="New password"
            description="At least 10 characters"
            autoComplete="new-password"
            value={password}
            error={problems['password'] ?? refused.fields['password']}
            onChange={(event) => setPassword(event.currentTarget.value)}
            {...toggle}
          />
          <PasswordInput
            label="New password again"
            autoComplete="new-password"
            value={repeated}
            error={problems['repeated']}
            onChange={(event) => setRepeated(event.currentTarget.value)}
            {...toggle}
          />
          <ErrorNote error={refused.rest} />
          {save.isSuccess && (
            <Alert role="status" p="sm">
              The password is set.
            </Alert>
          )}
          <Group gap="xs">
            <Button type="submit" loading={save.isPending}>
              Set password
            </Button>
            {isNew === true && (
              <ButtonLink {...links.workspaces()} variant="default">
                Go to workspaces
              </ButtonLink>
            )}
          </Group>
        </Stack>
      </form>
    </Page>
  );
}
