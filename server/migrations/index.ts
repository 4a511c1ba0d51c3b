import { initial } from './0001-initial.ts';
import { labSettings } from './0002-lab-settings.ts';
import { formerWorkspaces } from './0003-former-workspaces.ts';
import { documents } from './0004-documents.ts';
import { runs } from './0005-runs.ts';
import { versions } from './0006-versions.ts';
import { mirror } from './0007-mirror.ts';
import { invitations } from './0008-invitations.ts';
import { environmentLife } from './0009-environment-life.ts';

/** Every migration by name; they run in the order of their names, and one that has landed never changes. */
export const migrations = {
  '0001-initial': initial,
  '0002-lab-settings': labSettings,
  '0003-former-workspaces': formerWorkspaces,
  '0004-documents': documents,
  '0005-runs': runs,
  '0006-versions': versions,
  '0007-mirror': mirror,
  '0008-invitations': invitations,
  '0009-environment-life': environmentLife,
};
