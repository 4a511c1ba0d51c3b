/**
 * Makes `dist/` hold everything the agent needs: `agent.mjs` and `native/`. Does nothing when its inputs are unchanged.
 * @returns the folder, and whether it was made afresh
 */
export function buildAgent(): Promise<{ directory: string; isFresh: boolean }>;
