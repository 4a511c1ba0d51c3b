import { AppError, createClient } from '@terrarium/contract';
import { QueryClient } from '@tanstack/react-query';

/** The API, on the app's own origin, signed in by its cookie. */
export const api = createClient();

/** Cache of what the server said. Events say when to read again, so nothing goes stale by time alone. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      retry: (failures, error) => error instanceof AppError && error.code === 'DriverUnavailable' && failures < 2,
    },
    mutations: { retry: false },
  },
});

export function isSignedOut(error: unknown): boolean {
  return error instanceof AppError && error.code === 'NotSignedIn';
}

export function isNotFound(error: unknown): boolean {
  return error instanceof AppError && error.code === 'NotFound';
}

/** The sentence to show for a failure of any kind. */
export function messageOf(error: unknown): string {
  if (error instanceof AppError) return error.message;
  return 'Something went wrong in this page. Reload it; if it happens again, the browser console has the details.';
}
