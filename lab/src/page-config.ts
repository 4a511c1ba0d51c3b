// The server gives what only it knows; the rest follows from the address and from this build. Runs before every other
// module, because JupyterLab's packages read their configuration while they load.
declare const __LAB_VERSION__: string;
declare const __BUILD_ID__: string;

const element = document.getElementById('jupyter-config-data');
if (element === null) throw new Error('The page has no configuration.');
const given = JSON.parse(element.textContent || '{}') as Record<string, unknown>;
const baseUrl = typeof given['baseUrl'] === 'string' ? given['baseUrl'] : '/';

const address = /^lab(?:\/workspaces\/(?<workspace>[^/]+))?(?:\/tree\/(?<tree>.*))?\/?$/.exec(
  location.pathname.slice(baseUrl.length),
);
const treePath = decodeURIComponent(address?.groups?.['tree'] ?? '');

const derived = {
  appName: 'Terrarium',
  appNamespace: 'lab',
  appVersion: __LAB_VERSION__,
  appUrl: '/lab',
  treeUrl: '/lab/tree',
  staticUrl: '/static/lab',
  fullStaticUrl: `${baseUrl}static/lab`,
  settingsUrl: '/lab/api/settings',
  workspacesApiUrl: '/lab/api/workspaces',
  translationsApiUrl: '/lab/api/translations',
  // The build in the address lets a theme be cached for good.
  themesUrl: `/static/lab/themes-${__BUILD_ID__}`,
  mode: 'multiple-document',
  workspace: decodeURIComponent(address?.groups?.['workspace'] ?? 'default'),
  treePath,
  store_id: -1,
  token: '',
  // A kernel is started for a person, or when the environment runs anyway; never because a notebook was opened.
  notebookStartsKernel: 'false',
  preferredPath: 'notebooks',
  terminalsAvailable: 'true',
  exposeAppInBrowser: 'false',
  quitButton: 'false',
  devMode: 'false',
  cacheFiles: 'false',
  federated_extensions: [],
};

element.textContent = JSON.stringify({ ...derived, ...given });
