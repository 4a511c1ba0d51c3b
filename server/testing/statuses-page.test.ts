import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { environmentStatuses, EnvironmentStatus, type EnvironmentAction } from '@terrarium/contract';

const page = path.resolve(import.meta.dirname, '../../docs/statuses.md');

const requests: Record<EnvironmentAction, string> = {
  open: 'open',
  start: 'start',
  wake: 'wake',
  sleep: 'sleep',
  stop: 'pause',
  keepRunning: 'keep running',
  update: 'change',
  delete: 'delete',
};

function pageOf(): string {
  const rows = EnvironmentStatus.options.map((status) => {
    const { word, meaning, deadlineMinutes, next, actions } = environmentStatuses[status];
    const deadline = deadlineMinutes === null ? '' : `${String(deadlineMinutes)} min`;
    return `| \`${status}\` | ${word} | ${meaning} | ${deadline} | ${next.join(', ')} | ${actions.map((action) => requests[action]).join(', ')} |`;
  });
  return [
    '# Statuses of an environment',
    '',
    'Made from the table in `contract/statuses.ts`, which buttons, the server’s checks and the property test of the reconciler',
    'read as well. `UPDATE_PAGES=1 npx vitest run server/testing/statuses-page.test.ts` writes it anew.',
    '',
    '| status | people read | what it means | at most | what may come next | what can be asked |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    'A status with a bound ends at that bound at the latest: in `Error`, with a sentence, `start` (Retry) and `delete`. A startup',
    'script that runs may take its own time on top (`TERRARIUM_STARTUP_SCRIPT_MINUTES`). A request that is not in the last column is',
    'refused with `NotPossibleNow` (409) and a sentence; of two opposite requests at once the first is taken, and the second is',
    'judged by what the first has made of the status.',
    '',
  ].join('\n');
}

/** Table cells as prettier pads them do not matter. */
const plain = (text: string): string => text.replaceAll(/ *\| */g, '|').replaceAll(/-{3,}/g, '---');

test('docs/statuses.md says what the contract says', async () => {
  if (process.env['UPDATE_PAGES'] === '1') await writeFile(page, pageOf());
  expect(plain(await readFile(page, 'utf8'))).toBe(plain(pageOf()));
});
