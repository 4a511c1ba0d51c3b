import { Alert, Button, Loader, Stack, Text, TextInput } from '@mantine/core';
import { AppError, endpoints } from '@terrarium/contract';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useLocation, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api, queryClient } from '../api.ts';
import { links } from '../links.ts';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { fieldErrors } from '../ui/form.ts';
import { ButtonLink } from '../ui/links.tsx';
import { SignedOutFrame } from './SignedOutFrame.tsx';
import { sessionQuery, signIn } from './session.ts';

/**
 * Where an invitation's link leads. It is accepted by a button, not by being opened: programs that look at links in
 * messages would use it up.
 */
export function InvitationPage() {
  const secret = useLocation({ select: ({ hash }) => hash });
  const navigate = useNavigate();
  const session = useQuery({ ...sessionQuery, retry: false });
  const [name, setName] = useState('');
  const [problem, setProblem] = useState<string>();
  const accept = useMutation({
    mutationFn: async () => {
      await signIn({ ticket: secret });
      // Signed in they are, whatever becomes of the name.
      const named = await api.updateAccount({ body: { name } }).catch(() => undefined);
      if (named !== undefined) queryClient.setQueryData(sessionQuery.queryKey, named);
    },
    onSuccess: () => navigate({ ...links.password({ isNew: true }), replace: true }),
  });
  const isOver = accept.error instanceof AppError && accept.error.code === 'NotSignedIn';
  return (
    <SignedOutFrame title="You are invited to Terrarium">
      {secret === '' || isOver ? (
        <>
          <Alert color="yellow" role="alert" title="This invitation does not work" p="sm">
            {secret === ''
              ? 'A part of the link is missing. Copy the whole of it into the address bar.'
              : 'An invitation works once and for a week, and ends when it is taken back. Ask the person who invited you for a new link. If you have used it already, sign in with your password.'}
          </Alert>
          <ButtonLink {...links.signIn()} variant="default">
            Go to sign-in
          </ButtonLink>
        </>
      ) : session.isPending ? (
        <Stack align="center">
          <Loader size="sm" />
        </Stack>
      ) : (
        <>
          <Text>
            Somebody has shared a workspace with you. Accept to sign in to your new account; next, set a password, to be
            able to sign in again.
          </Text>
          {session.data !== undefined && (
            <Alert color="yellow" p="sm">
              This browser is signed in as {session.data.email}. To accept signs it out of that account.
            </Alert>
          )}
          <form
            noValidate
            onSubmit={(event) => {
              event.preventDefault();
              const found = fieldErrors(endpoints.updateAccount.body, { name })['name'];
              setProblem(found);
              if (found === undefined) accept.mutate();
            }}
          >
            <Stack gap="sm">
              <TextInput
                label="Your name"
                description="What others see where you work together"
                autoComplete="name"
                value={name}
                error={problem}
                onChange={(event) => setName(event.currentTarget.value)}
              />
              <ErrorNote error={accept.error} />
              <Button type="submit" fullWidth loading={accept.isPending}>
                Accept invitation
              </Button>
            </Stack>
          </form>
        </>
      )}
    </SignedOutFrame>
  );
}
