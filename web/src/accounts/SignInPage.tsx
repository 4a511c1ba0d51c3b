import { Alert, Button, Loader, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { AppError } from '@terrarium/contract';
import { useMutation } from '@tanstack/react-query';
import { useNavigate, useRouter, useSearch } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { signIn } from './session.ts';
import { SignedOutFrame } from './SignedOutFrame.tsx';

export function SignInPage() {
  const { ticket, next } = useSearch({ from: '/signin' });
  const navigate = useNavigate();
  const router = useRouter();
  // Only a path of this app: a link to sign-in must not lead on to another site.
  const onward = next?.startsWith('/') === true && !next.startsWith('//') ? next : '/';
  const session = useMutation({
    mutationFn: signIn,
    onSuccess: () => {
      // A workspace's door is the server's own address, not a page of this app.
      if (onward.startsWith('/door/')) location.replace(onward);
      else router.history.replace(onward);
    },
  });
  const { mutate } = session;

  // A ticket works once: StrictMode's second effect, or a re-render, must not spend it twice.
  const spent = useRef<string>(undefined);
  useEffect(() => {
    if (ticket === undefined || spent.current === ticket) return;
    spent.current = ticket;
    mutate(
      { ticket },
      {
        // The address bar and the history must not keep it.
        onError: () => void navigate({ to: '/signin', search: {}, replace: true }),
      },
    );
  }, [ticket, mutate, navigate]);

  const isTicketInHand = ticket !== undefined || (session.variables !== undefined && 'ticket' in session.variables);
  if (isTicketInHand && session.error === null) {
    return (
      <SignedOutFrame title="Sign in to Terrarium">
        <Stack align="center" gap="sm" role="status">
          <Loader size="sm" />
          <Text>Signing in…</Text>
        </Stack>
      </SignedOutFrame>
    );
  }
  return (
    <SignedOutFrame title="Sign in to Terrarium">
      {isTicketInHand && <TicketProblem error={session.error} />}
      <PasswordForm
        isPending={session.isPending}
        error={isTicketInHand ? null : session.error}
        onSubmit={(email, password) => mutate({ email, password })}
      />
    </SignedOutFrame>
  );
}

/** A link that was used, or is too old, is the usual reason; anything else speaks for itself. */
function TicketProblem({ error }: { error: unknown }) {
  if (error instanceof AppError && ['DriverUnavailable', 'TooManyRequests', 'Internal'].includes(error.code))
    return <ErrorNote error={error} />;
  return (
    <Alert color="yellow" role="alert" title="This sign-in link no longer works" p="sm">
      A link works once and only for a short while. Run <code>npm start</code> again for a fresh link, or sign in below
      if you have set a password.
    </Alert>
  );
}

function PasswordForm(props: {
  isPending: boolean;
  error: unknown;
  onSubmit: (email: string, password: string) => void;
}) {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [missing, setMissing] = useState<{ email?: string; password?: string }>({});
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        const problems = {
          ...(email.trim() === '' ? { email: 'Enter your e-mail address.' } : {}),
          ...(password === '' ? { password: 'Enter your password.' } : {}),
        };
        setMissing(problems);
        if (Object.keys(problems).length === 0) props.onSubmit(email.trim(), password);
      }}
    >
      <Stack gap="sm">
        <TextInput
          label="E-mail address"
          type="email"
          name="email"
          autoComplete="username"
          autoFocus
          value={email}
          error={missing.email}
          onChange={(event) => setEmail(event.currentTarget.value)}
        />
        <PasswordInput
          label="Password"
          name="password"
          autoComplete="current-password"
          visibilityToggleButtonProps={{ 'aria-label': 'Show password' }}
          value={password}
          error={missing.password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <ErrorNote error={props.error} />
        <Button type="submit" fullWidth loading={props.isPending}>
          Sign in
        </Button>
        <Text c="dimmed" fz="sm">
          No password yet? Open the link that you were given, or the one that <code>npm start</code> prints; then set a
          password from the account menu.
        </Text>
      </Stack>
    </form>
  );
}
