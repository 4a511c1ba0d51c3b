import { Button, Group, SegmentedControl, Skeleton, Stack, Text, Textarea } from '@mantine/core';
import { endpoints, type Workspace } from '@terrarium/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { api } from '../api.ts';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { fieldErrors, serverErrors } from '../ui/form.ts';
import { disabledBecause, Hint } from '../ui/Hint.tsx';
import { Section } from '../ui/Page.tsx';
import { writeProblem } from './permissions.ts';
import { workspaceQuery } from './queries.ts';

// The renderer brings marked, KaTeX and highlight.js; the rest of the page does not wait for them.
const Markdown = lazy(async () => ({ default: (await import('../notebooks/preview/Markdown.tsx')).Markdown }));

/** The workspace's description, edited where it is shown. */
export function Description({ workspace }: { workspace: Workspace }) {
  const [isEditing, setIsEditing] = useState(false);
  const problem = writeProblem(workspace);
  return (
    <Section
      title="About"
      actions={
        !isEditing && (
          <Hint reason={problem}>
            <Button variant="default" size="xs" {...disabledBecause(problem, () => setIsEditing(true))}>
              Edit description
            </Button>
          </Hint>
        )
      }
    >
      {isEditing ? (
        <Editor workspace={workspace} onClose={() => setIsEditing(false)} />
      ) : workspace.description.trim() === '' ? (
        <Text c="dimmed">No description yet. Say what this workspace is for, and what is in it.</Text>
      ) : (
        <Rendered source={workspace.description} />
      )}
    </Section>
  );
}

function Rendered({ source }: { source: string }) {
  return (
    <Suspense fallback={<Skeleton height={64} />}>
      <Markdown source={source} />
    </Suspense>
  );
}

function Editor({ workspace, onClose }: { workspace: Workspace; onClose: () => void }) {
  const queryClient = useQueryClient();
  const [text, setText] = useState(workspace.description);
  const [view, setView] = useState('write');
  const [problem, setProblem] = useState<string>();
  const { namespace, name } = workspace;
  const save = useMutation({
    mutationFn: () => api.updateWorkspace({ params: { namespace, name }, body: { description: text } }),
    onSuccess: (saved) => {
      queryClient.setQueryData(workspaceQuery(saved).queryKey, saved);
      onClose();
    },
  });
  const refused = serverErrors(save.error, ['description']);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const found = fieldErrors(endpoints.updateWorkspace.body, { description: text })['description'];
        setProblem(found);
        if (found === undefined) save.mutate();
      }}
    >
      <Stack gap="xs">
        <SegmentedControl
          aria-label="View"
          size="xs"
          w="fit-content"
          data={[
            { value: 'write', label: 'Write' },
            { value: 'preview', label: 'Preview' },
          ]}
          value={view}
          onChange={setView}
        />
        {view === 'write' ? (
          <Textarea
            aria-label="Description"
            description="Markdown, with $math$"
            inputWrapperOrder={['input', 'description', 'error']}
            autosize
            autoFocus
            minRows={8}
            maxRows={24}
            value={text}
            error={problem ?? refused.fields['description']}
            onChange={(event) => setText(event.currentTarget.value)}
          />
        ) : (
          <Rendered source={text} />
        )}
        <ErrorNote error={refused.rest} />
        <Group gap="xs">
          <Button type="submit" loading={save.isPending}>
            Save
          </Button>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
