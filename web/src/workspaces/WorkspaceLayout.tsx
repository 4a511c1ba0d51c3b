import { Text, Title } from '@mantine/core';
import { Link, Outlet } from '@tanstack/react-router';
import { EnvironmentControl } from '../environments/EnvironmentControl.tsx';
import { links } from '../links.ts';
import { AnchorLink } from '../ui/links.tsx';
import { useWorkspace } from './queries.ts';
import classes from './WorkspaceLayout.module.css';

/** Around every screen of a workspace: its name, the environment control, the tabs. */
export function WorkspaceLayout() {
  const workspace = useWorkspace();
  const tabs = [
    { title: 'Dashboard', link: links.dashboard(workspace), isExact: true },
    { title: 'Notebooks', link: links.notebooks(workspace) },
    { title: 'Files', link: links.files(workspace) },
    { title: 'Cloud environment', link: links.environment(workspace) },
  ];
  return (
    <>
      <header className={classes.header}>
        <div className={classes.top}>
          <Title order={1} className={classes.name}>
            <AnchorLink {...links.billingProject(workspace.namespace)} c="dimmed" fw={400} fz="inherit">
              {workspace.namespace}
            </AnchorLink>
            <Text span c="dimmed" fz="inherit" mx={4}>
              /
            </Text>
            {workspace.name}
          </Title>
          <EnvironmentControl workspace={workspace} />
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
      <Outlet />
    </>
  );
}
