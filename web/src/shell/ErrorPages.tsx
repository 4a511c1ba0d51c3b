import { Button, Group, Text } from '@mantine/core';
import { useRouter, type ErrorComponentProps } from '@tanstack/react-router';
import { isNotFound, messageOf } from '../api.ts';
import { links } from '../links.ts';
import { ButtonLink } from '../ui/links.tsx';
import { Page } from '../ui/Page.tsx';

export function NotFoundPage() {
  return (
    <Page title="Page not found" narrow>
      <Text mb="md">
        There is nothing at this address, or you may not see it. Check the address, or ask the person who sent it to
        share the workspace with you.
      </Text>
      <ButtonLink {...links.workspaces()}>Go to workspaces</ButtonLink>
    </Page>
  );
}

/** What a screen shows instead of itself when it cannot be shown. */
export function RouteErrorPage({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  if (isNotFound(error)) return <NotFoundPage />;
  return (
    <Page title="This page cannot be shown" narrow>
      <Text mb="md" role="alert">
        {messageOf(error)}
      </Text>
      <Group gap="xs">
        <Button
          onClick={() => {
            reset();
            void router.invalidate();
          }}
        >
          Try again
        </Button>
        <ButtonLink {...links.workspaces()} variant="default">
          Go to workspaces
        </ButtonLink>
      </Group>
    </Page>
  );
}
