import { useQuery } from '@tanstack/react-query';
import { useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect } from 'react';
import { sessionQuery } from '../accounts/session.ts';
import { isSignedOut } from '../api.ts';
import { links } from '../links.ts';

/** Goes to sign-in, and back here afterwards, when the session has ended elsewhere. */
export function SignedOutWatch() {
  const { error } = useQuery(sessionQuery);
  const navigate = useNavigate();
  const here = useRouterState({ select: (state) => state.location.href });
  useEffect(() => {
    if (isSignedOut(error)) void navigate(links.signIn(here));
  }, [error, here, navigate]);
  return null;
}
