import { ActionIcon, Alert, Button, Group, Modal, Stack, Text, TextInput, Tooltip } from '@mantine/core';
import { endpoints, type Token } from '@terrarium/contract';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { api } from '../api.ts';
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx';
import { CopyText } from '../ui/CopyText.tsx';
import { DataTable, type Column } from '../ui/DataTable.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { fieldErrors, serverErrors } from '../ui/form.ts';
import { useListState } from '../ui/list-search.ts';
import { Page } from '../ui/Page.tsx';
import { When } from '../ui/When.tsx';

export function TokensPage() {
  const list = useListState();
  const tokens = useQuery({ queryKey: ['tokens'], queryFn: ({ signal }) => api.listTokens({ signal }) });
  const [isCreating, setIsCreating] = useState(false);
  const [revoked, setRevoked] = useState<Token>();
  const columns: Column<Token>[] = [
    { key: 'label', title: 'Label', sortBy: (token) => token.label, renderCell: (token) => token.label },
    {
      key: 'created',
      title: 'Created',
      sortBy: (token) => token.createdAt,
      renderCell: (token) => <When at={token.createdAt} />,
    },
    {
      key: 'used',
      title: 'Last used',
      sortBy: (token) => token.lastUsedAt,
      renderCell: (token) => (token.lastUsedAt === null ? 'Never' : <When at={token.lastUsedAt} />),
    },
    {
      key: 'actions',
      title: 'Actions',
      isTitleHidden: true,
      align: 'right',
      width: 48,
      renderCell: (token) => (
        <Tooltip label="Revoke">
          <ActionIcon aria-label={`Revoke ${token.label}`} onClick={() => setRevoked(token)}>
            <IconTrash size={16} />
          </ActionIcon>
        </Tooltip>
      ),
    },
  ];
  const create = <Button onClick={() => setIsCreating(true)}>Create token</Button>;
  return (
    <Page
      title="API tokens"
      lead="A token lets a program do what you can do: the command line, scripts, Jupyter clients."
      actions={create}
    >
      <ErrorNote error={tokens.error} retry={() => void tokens.refetch()} />
      {tokens.data?.length === 0 ? (
        <EmptyState title="No tokens" action={create}>
          Create one for each program that uses Terrarium for you, so that each can be revoked alone.
        </EmptyState>
      ) : (
        tokens.error === null && (
          <DataTable
            label="API tokens"
            columns={columns}
            rows={tokens.data}
            keyOf={(token) => token.id}
            list={list}
            defaultSort={{ key: 'created', isDescending: true }}
          />
        )
      )}
      {isCreating && <CreateTokenDialog onClose={() => setIsCreating(false)} />}
      {revoked !== undefined && <RevokeDialog token={revoked} onClose={() => setRevoked(undefined)} />}
    </Page>
  );
}

function RevokeDialog({ token, onClose }: { token: Token; onClose: () => void }) {
  const queryClient = useQueryClient();
  const revoke = useMutation({
    mutationFn: () => api.deleteToken({ params: { id: token.id } }),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['tokens'] });
      onClose();
    },
  });
  return (
    <ConfirmDialog
      title={`Revoke "${token.label}"?`}
      action="Revoke token"
      isPending={revoke.isPending}
      error={revoke.error}
      onConfirm={() => revoke.mutate()}
      onClose={onClose}
    >
      Programs that use this token are signed out at once. What they have made stays.
    </ConfirmDialog>
  );
}

function CreateTokenDialog({ onClose }: { onClose: () => void }) {
  const queryClient = useQueryClient();
  const [label, setLabel] = useState('');
  const [problem, setProblem] = useState<string>();
  const create = useMutation({
    mutationFn: () => api.createToken({ body: { label } }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ['tokens'] }),
  });
  const refused = serverErrors(create.error, ['label']);
  if (create.data !== undefined) {
    return (
      <Modal opened onClose={onClose} title={`Token "${create.data.label}"`} closeOnClickOutside={false}>
        <Stack gap="sm">
          <Alert color="yellow" p="sm">
            Copy the token now and keep it safe: it is shown this once only.
          </Alert>
          <CopyText text={create.data.secret} name="token" />
          <Text c="dimmed" fz="sm">
            Send it as <code>Authorization: Bearer …</code>
          </Text>
          <Group justify="flex-end">
            <Button onClick={onClose}>Done</Button>
          </Group>
        </Stack>
      </Modal>
    );
  }
  return (
    <Modal opened onClose={onClose} title="Create an API token">
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          const found = fieldErrors(endpoints.createToken.body, { label })['label'];
          setProblem(found);
          if (found === undefined) create.mutate();
        }}
      >
        <Stack gap="sm">
          <TextInput
            label="Label"
            description="What uses it: my laptop, nightly report"
            data-autofocus
            value={label}
            error={problem ?? refused.fields['label']}
            onChange={(event) => setLabel(event.currentTarget.value)}
          />
          <ErrorNote error={refused.rest} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={create.isPending}>
              Create token
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
