import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import * as z from 'zod';
import { InvitationPage } from './accounts/InvitationPage.tsx';
import { PasswordPage } from './accounts/PasswordPage.tsx';
import { sessionQuery } from './accounts/session.ts';
import { SignInPage } from './accounts/SignInPage.tsx';
import { TokensPage } from './accounts/TokensPage.tsx';
import { isSignedOut, queryClient } from './api.ts';
import { BillingProjectPage } from './billing/BillingProjectPage.tsx';
import { BillingProjectsPage } from './billing/BillingProjectsPage.tsx';
import { DisksPage } from './disks/DisksPage.tsx';
import { EnvironmentPage } from './environments/EnvironmentPage.tsx';
import { EnvironmentsPage } from './environments/EnvironmentsPage.tsx';
import { FilesPage } from './files/FilesPage.tsx';
import { links } from './links.ts';
import { NotebooksPage } from './notebooks/NotebooksPage.tsx';
import { NotFoundPage, RouteErrorPage } from './shell/ErrorPages.tsx';
import { Shell } from './shell/Shell.tsx';
import { ListSearch } from './ui/list-search.ts';
import { DashboardPage } from './workspaces/DashboardPage.tsx';
import { OpenLabPage, OpenNotebookPage } from './workspaces/OpenPage.tsx';
import { workspaceQuery } from './workspaces/queries.ts';
import { WorkspaceLayout } from './workspaces/WorkspaceLayout.tsx';
import { WorkspacesPage } from './workspaces/WorkspacesPage.tsx';

const rootRoute = createRootRoute({ notFoundComponent: NotFoundPage });

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: 'signin',
  validateSearch: z.object({
    ticket: z.coerce.string().optional().catch(undefined),
    next: z.string().optional().catch(undefined),
  }),
  component: SignInPage,
});

const invitationRoute = createRoute({ getParentRoute: () => rootRoute, path: 'invitation', component: InvitationPage });

const appRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'app',
  component: Shell,
  beforeLoad: async ({ location }) => {
    try {
      await queryClient.ensureQueryData(sessionQuery);
    } catch (error) {
      if (isSignedOut(error)) throw redirect(links.signIn(location.pathname === '/' ? undefined : location.href));
      throw error;
    }
  },
});

const homeRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/',
  beforeLoad: () => {
    throw redirect(links.workspaces());
  },
});

const workspacesRoute = createRoute({
  getParentRoute: () => appRoute,
  path: 'workspaces',
  validateSearch: ListSearch,
  component: WorkspacesPage,
});

const workspaceRoute = createRoute({
  getParentRoute: () => appRoute,
  path: 'workspaces/$namespace/$name',
  loader: ({ params }) => queryClient.ensureQueryData(workspaceQuery(params)),
  component: WorkspaceLayout,
});

const dashboardRoute = createRoute({ getParentRoute: () => workspaceRoute, path: '/', component: DashboardPage });

const notebooksRoute = createRoute({
  getParentRoute: () => workspaceRoute,
  path: 'notebooks',
  validateSearch: ListSearch,
  component: NotebooksPage,
});

const previewRoute = createRoute({
  getParentRoute: () => workspaceRoute,
  path: 'notebooks/$path/preview',
  component: lazyRouteComponent(() => import('./notebooks/PreviewPage.tsx'), 'PreviewPage'),
});

const historyRoute = createRoute({
  getParentRoute: () => workspaceRoute,
  path: 'notebooks/$path/history',
  validateSearch: z.object({
    version: z.coerce.string().optional().catch(undefined),
    against: z.literal('current').optional().catch(undefined),
  }),
  component: lazyRouteComponent(() => import('./versions/HistoryPage.tsx'), 'HistoryPage'),
});

const openNotebookRoute = createRoute({
  getParentRoute: () => workspaceRoute,
  path: 'notebooks/$path/open',
  component: OpenNotebookPage,
});

const openLabRoute = createRoute({ getParentRoute: () => workspaceRoute, path: 'lab', component: OpenLabPage });

const filesRoute = createRoute({
  getParentRoute: () => workspaceRoute,
  path: 'files',
  validateSearch: ListSearch.extend({ folder: z.coerce.string().optional().catch(undefined) }),
  component: FilesPage,
});

const environmentRoute = createRoute({
  getParentRoute: () => workspaceRoute,
  path: 'environment',
  validateSearch: ListSearch.extend({
    environment: z.coerce.string().optional().catch(undefined),
    view: z.enum(['new', 'edit']).optional().catch(undefined),
    disk: z.coerce.string().optional().catch(undefined),
    memory: z.number().positive().optional().catch(undefined),
  }),
  component: EnvironmentPage,
});

const environmentsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: 'environments',
  validateSearch: ListSearch,
  component: EnvironmentsPage,
});

const disksRoute = createRoute({
  getParentRoute: () => appRoute,
  path: 'disks',
  validateSearch: ListSearch,
  component: DisksPage,
});

const billingRoute = createRoute({
  getParentRoute: () => appRoute,
  path: 'billing',
  validateSearch: ListSearch,
  component: BillingProjectsPage,
});

const billingProjectRoute = createRoute({
  getParentRoute: () => appRoute,
  path: 'billing/$project',
  validateSearch: ListSearch.extend({
    by: z.enum(['workspace', 'user', 'day']).optional().catch(undefined),
    days: z.number().int().positive().max(366).optional().catch(undefined),
  }),
  component: BillingProjectPage,
});

const tokensRoute = createRoute({
  getParentRoute: () => appRoute,
  path: 'account/tokens',
  validateSearch: ListSearch,
  component: TokensPage,
});
const passwordRoute = createRoute({
  getParentRoute: () => appRoute,
  path: 'account/password',
  validateSearch: z.object({ isNew: z.literal(true).optional().catch(undefined) }),
  component: PasswordPage,
});

// Inside the shell, so that one can go on from there.
const elsewhereRoute = createRoute({ getParentRoute: () => appRoute, path: '$', component: NotFoundPage });

const routeTree = rootRoute.addChildren([
  signInRoute,
  invitationRoute,
  appRoute.addChildren([
    homeRoute,
    workspacesRoute,
    workspaceRoute.addChildren([
      dashboardRoute,
      notebooksRoute,
      previewRoute,
      historyRoute,
      openNotebookRoute,
      openLabRoute,
      filesRoute,
      environmentRoute,
    ]),
    environmentsRoute,
    disksRoute,
    billingRoute,
    billingProjectRoute,
    tokensRoute,
    passwordRoute,
    elsewhereRoute,
  ]),
]);

export const router = createRouter({
  routeTree,
  defaultErrorComponent: RouteErrorPage,
  defaultPendingMinMs: 0,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
