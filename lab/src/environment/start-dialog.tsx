import { Dialog } from '@jupyterlab/apputils';
import type { Environment } from '@terrarium/contract';
import * as React from 'react';
import { workspace, workspaceUrl } from '../workspace.ts';
import { formatMoney } from './money.ts';
import { fetchEstimate, type Estimate } from './requests.ts';

const rememberKey = `terrarium.start-without-asking.${workspace.workspaceId}`;

/**
 * Shows what running costs and asks whether to start. Answers true at once where the person said not to ask again.
 * @param purpose  what happens afterwards, as the button says it: `Start and run`
 */
export async function confirmStart(environment: Environment | null, purpose: string): Promise<boolean> {
  if (localStorage.getItem(rememberKey) === 'yes') return true;
  const price = environment?.cost ?? (await fetchEstimate().catch(() => undefined));
  const dialog = new Dialog({
    title: environment === null ? 'Start a cloud environment?' : 'Resume your cloud environment?',
    body: <StartQuestion environment={environment} price={price} />,
    checkbox: { label: 'Start without asking in this workspace from now on', caption: 'Only in this browser' },
    buttons: [Dialog.cancelButton({ label: 'Not now' }), Dialog.okButton({ label: purpose })],
    defaultButton: 1,
  });
  const result = await dialog.launch();
  if (!result.button.accept) return false;
  if (result.isChecked === true) localStorage.setItem(rememberKey, 'yes');
  return true;
}

/** Says why a start did not work. @returns true to try again */
export async function explainFailedStart(reason: string): Promise<boolean> {
  const dialog = new Dialog({
    title: 'The environment did not start',
    body: (
      <div className="tr-Dialog">
        <p>{reason}</p>
        <p className="tr-Dialog-hint">
          Your notebook is kept. See the{' '}
          <a href={workspaceUrl('environment')} target="_blank" rel="noreferrer">
            environment's page
          </a>{' '}
          for each step and its log.
        </p>
      </div>
    ),
    buttons: [Dialog.cancelButton({ label: 'Close' }), Dialog.okButton({ label: 'Retry' })],
    defaultButton: 1,
  });
  return (await dialog.launch()).button.accept;
}

/** Says that this person may not run code here. */
export async function explainNoCompute(): Promise<void> {
  await new Dialog({
    title: 'You cannot run code in this workspace',
    body: `Your role in ${workspace.namespace}/${workspace.name} does not include compute. Ask an owner of the workspace for it.`,
    buttons: [Dialog.okButton({ label: 'Close' })],
  }).launch();
}

function StartQuestion(props: { environment: Environment | null; price: Estimate | undefined }): React.JSX.Element {
  const { environment, price } = props;
  return (
    <div className="tr-Dialog">
      <p>
        {environment === null
          ? 'Code runs in a cloud environment: a machine of your own with a disk that outlives it.'
          : `${environment.imageTitle}, ${environment.cpus} CPU, ${environment.memoryGiB} GiB memory.`}
      </p>
      {price === undefined ? (
        <p>Its price could not be read just now.</p>
      ) : (
        <table className="tr-Prices">
          <tbody>
            <tr>
              <th>While it runs</th>
              <td>{formatMoney(price.perHourRunning, price.currency)} per hour</td>
            </tr>
            <tr>
              <th>While it sleeps</th>
              <td>{formatMoney(price.perHourAsleep, price.currency)} per hour</td>
            </tr>
            <tr>
              <th>While it is paused</th>
              <td>{formatMoney(price.perHourPaused, price.currency)} per hour</td>
            </tr>
            <tr>
              <th>Its disk</th>
              <td>{formatMoney(price.diskPerMonth, price.currency)} per month</td>
            </tr>
          </tbody>
        </table>
      )}
      <p className="tr-Dialog-hint">
        {environment === null || environment.autopauseMinutes > 0
          ? 'It pauses itself when idle.'
          : 'It does not pause itself: autopause is off.'}
      </p>
    </div>
  );
}
