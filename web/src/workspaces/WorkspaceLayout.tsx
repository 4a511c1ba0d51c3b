import { Box, Button, Text, Title } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { shareProblem } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { Link, Outlet } from '@tanstack/react-router';
import { IconUserPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { isNotFound } from '../api.ts';
import { ProjectName } from '../billing/ProjectName.tsx';
import { EnvironmentControl } from '../environments/EnvironmentControl.tsx';
import { links } from '../links.ts';
import { ShareDialog } from '../sharing/ShareDialog.tsx';
import { NotFoundPage } from '../shell/ErrorPages.tsx';
import { useWorkspace, workspaceQuery } from './queries.ts';
import classes from './WorkspaceLayout.module.css';

/** Around every screen of a workspace: its name, the environment control, the tabs. */
export function WorkspaceLayout() {
  const workspace = useWorkspace();
  const [isSharing, setIsSharing] = useState(false);
  const { ref, height } = useElementSize();
  // It was there when the page was opened; access to it can be taken away.
  const { error } = useQuery(workspaceQuery(workspace));
  if (isNotFound(error)) return <NotFoundPage />;
  const tabs = [
    { title: 'Dashboard', link: links.dashboard(workspace), isExact: true },
    { title: 'Notebooks', link: links.notebooks(workspace) },
    { title: 'Files', link: links.files(workspace) },
    { title: 'Cloud environment', link: links.environment(workspace) },
  ];
  return (
    <>
      <header className={classes.header} ref={ref}>
        <div className={classes.top}>
          <Title order={1} className={classes.name}>
            <ProjectName name={workspace.namespace} c="dimmed" fw={400} fz="inherit" />
            <Text span c="dimmed" fz="inherit" mx={4}>
              /
            </Text>
            {workspace.name}
          </Title>
          <div className={classes.controls}>
            {shareProblem(workspace) === undefined && (
              <Button
                variant="default"
                leftSection={<IconUserPlus size={14} aria-hidden />}
                onClick={() => setIsSharing(true)}
              >
                Share
              </Button>
            )}
            <EnvironmentControl workspace={workspace} />
          </div>
        </div>
        <nav aria-label="Workspace" className={classes.tabs}>
          {tabs.map(({ title, link, isExact }) => (
            <Link
              key={title}
              {...link}
              className={classes.tab}
              activeOptions={{ exact: isExact === true, includeSearch: false }}
            >
              {title}
            </Link>
          ))}
        </nav>
      </header>
      {isSharing && <ShareDialog workspace={workspace} onClose={() => setIsSharing(false)} />}
      <Box __vars={{ '--workspace-header-height': height === 0 ? undefined : `${String(height + 1)}px` }}>
        <Outlet />
      </Box>
    </>
  );
}
