import * as z from 'zod';
import { NotebookPath } from '../names.ts';

export const workspacePath = '/api/workspaces/{namespace}/{name}';
// Looked up, not created, so any text is accepted: what does not exist is 404, never 400.
export const workspaceParams = z.object({ namespace: z.string(), name: z.string() });
export const notebookParams = workspaceParams.extend({ path: NotebookPath });
