import { Button, Group, Text } from '@mantine/core';
import { shareProblem } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { IconLogout, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { ProjectName } from '../billing/ProjectName.tsx';
import { links } from '../links.ts';
import { notebooksQuery } from '../notebooks/queries.ts';
import { LeaveWorkspaceDialog } from '../sharing/LeaveWorkspaceDialog.tsx';
import { PeopleSection } from '../sharing/PeopleSection.tsx';
import { CopyText } from '../ui/CopyText.tsx';
import { Fact, Facts } from '../ui/Facts.tsx';
import { count } from '../ui/formats.ts';
import { disabledBecause, Hint } from '../ui/Hint.tsx';
import { AnchorLink } from '../ui/links.tsx';
import { Section } from '../ui/Page.tsx';
import { When } from '../ui/When.tsx';
import classes from './DashboardPage.module.css';
import { DeleteWorkspaceDialog } from './DeleteWorkspaceDialog.tsx';
import { Description } from './Description.tsx';
import { ownerProblem } from './permissions.ts';
import { useWorkspace } from './queries.ts';
import { RecentNotebooks } from './RecentNotebooks.tsx';

const roleMeaning = { READER: 'read', WRITER: 'read and write', OWNER: 'read, write and manage' } as const;

export function DashboardPage() {
  const workspace = useWorkspace();
  const notebooks = useQuery(notebooksQuery(workspace));
  const [isDeleting, setIsDeleting] = useState(false);
  const [isLeaving, setIsLeaving] = useState(false);
  const deleteProblem = ownerProblem(workspace);
  return (
    <div className={classes.dashboard}>
      <title>{`${workspace.name} · Terrarium`}</title>
      <div>
        <Description workspace={workspace} />
        <RecentNotebooks workspace={workspace} />
      </div>
      <aside aria-label="About this workspace" className={classes.aside}>
        <Section title="Workspace">
          <Facts>
            <Fact name="Owner">{workspace.owner}</Fact>
            <Fact name="Your access">
              {workspace.role}{' '}
              <Text span c="dimmed" fz="sm">
                ({roleMeaning[workspace.role]}
                {workspace.canCompute ? ', run environments' : ''})
              </Text>
            </Fact>
            <Fact name="Created">
              <When at={workspace.createdAt} />
            </Fact>
            <Fact name="Last updated">
              <When at={workspace.updatedAt} />
            </Fact>
            <Fact name="Billing project">
              <ProjectName name={workspace.namespace} />
            </Fact>
            <Fact name="Notebooks">
              <AnchorLink {...links.notebooks(workspace)}>
                {notebooks.data === undefined ? 'See all' : count(notebooks.data.length, 'notebook')}
              </AnchorLink>
            </Fact>
          </Facts>
        </Section>
        {shareProblem(workspace) === undefined && <PeopleSection workspace={workspace} />}
        <Section title="Bucket">
          <Facts>
            <Fact name="Name">
              <CopyText text={workspace.bucket} name="bucket name" />
            </Fact>
            <Fact name="Contents">
              <AnchorLink {...links.files(workspace)}>Browse files</AnchorLink>
            </Fact>
          </Facts>
        </Section>
        <Group gap="xs" className={classes.danger}>
          {workspace.role !== 'OWNER' && (
            <Button
              variant="default"
              leftSection={<IconLogout size={16} aria-hidden />}
              onClick={() => setIsLeaving(true)}
            >
              Leave workspace
            </Button>
          )}
          <Hint reason={deleteProblem}>
            <Button
              variant="default"
              c={deleteProblem === undefined ? 'var(--danger)' : undefined}
              leftSection={<IconTrash size={16} aria-hidden />}
              {...disabledBecause(deleteProblem, () => setIsDeleting(true))}
            >
              Delete workspace
            </Button>
          </Hint>
        </Group>
      </aside>
      {isLeaving && <LeaveWorkspaceDialog workspace={workspace} onClose={() => setIsLeaving(false)} />}
      {isDeleting && <DeleteWorkspaceDialog workspace={workspace} onClose={() => setIsDeleting(false)} />}
    </div>
  );
}
