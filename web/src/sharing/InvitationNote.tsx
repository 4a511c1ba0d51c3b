import { Alert, Text } from '@mantine/core';
import type { Invitation } from '@terrarium/contract';
import { CopyText } from '../ui/CopyText.tsx';
import { When } from '../ui/When.tsx';

/** The link to hand over. It is shown this once: only its hash is kept. */
export function InvitationNote({ email, invitation }: { email: string; invitation: Invitation }) {
  return (
    <Alert role="status" p="sm" title={`Invitation for ${email}`} styles={{ body: { minWidth: 0 } }}>
      <Text mb="xs">
        Send this link to {email} yourself: Terrarium sends no e-mail. It signs that person in, works once, and ends{' '}
        <When at={invitation.expiresAt} />. It is shown only now.
      </Text>
      <CopyText text={invitation.url} name="invitation link" />
    </Alert>
  );
}
