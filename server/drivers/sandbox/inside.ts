/** The one person inside a machine. The uid is outside the ranges that distributions and user namespaces hand out. */
export const insideUser = { name: 'jupyter', uid: 74_100, gid: 74_100, home: '/home/jupyter' } as const;

/** Where things of ours are inside a machine. */
export const inside = {
  node: '/run/terrarium/node',
  agent: '/run/terrarium/agent',
  agentConfig: '/run/terrarium/agent.json',
  run: '/run/terrarium/socket',
  socket: '/run/terrarium/socket/agent.sock',
  state: '/run/terrarium/state',
} as const;

export const insidePath = '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin';

/** Environment variable that marks every process of a machine that is outside its namespaces. */
export const markerVariable = 'TERRARIUM_MACHINE_DIRECTORY';
