/** A notebook of 2,000 cells in JupyterLab: opening it and typing in it, against the stock JupyterLab that saves files. */
import type { BrowserContext } from 'playwright-core';
import { startChromium } from './browser/chromium.ts';
import { openInTab, typeKeys } from './browser/editor.ts';
import { runBenchmark } from './measure/benchmark.ts';
import { ask } from './peers/answers.ts';
import { startJupyterServer, token } from './peers/jupyter-server.ts';
import { notebookOf } from './room/notebooks.ts';
import { putNotebook } from './room/rooms.ts';
import { kernelspecDirectories, startTerrarium } from './subject/terrarium.ts';

const goal = { atMost: 1 };
const keys = 50;

await runBenchmark({
  name: 'large-notebook',
  rounds: 6,
  limitMs: 8 * 60_000,
  async measure(run) {
    const { signal } = run;
    const stock = await startJupyterServer(run, kernelspecDirectories(), 'jupyter-lab');
    const terrarium = await startTerrarium(run);
    const browser = await startChromium(run);
    const notebook = notebookOf({ cells: 2000, bytes: 1_000_000 });
    // Otherwise only a kernel could say how to colour the code.
    notebook.metadata['language_info'] = { name: 'python', mimetype: 'text/x-python' };
    await putNotebook(terrarium, 'large.ipynb', notebook);
    await ask('PUT', `${stock.url}/api/contents/large.ipynb`, {
      authorization: stock.authorization,
      signal,
      body: { type: 'notebook', format: 'json', content: notebook },
    });

    const sides = {
      ours: async () => {
        const { url } = await terrarium.client.openDoor({
          params: terrarium.workspace,
          body: { path: 'lab/tree/notebooks/large.ipynb' },
        });
        return url;
      },
      stock: () => Promise.resolve(`${stock.url}/lab/tree/large.ipynb?token=${token}&reset`),
    };
    const names = ['ours', 'stock'] as const;
    // What the browser keeps of the pages is kept from round to round, as for a person.
    const contexts = new Map<string, BrowserContext>();
    for (const name of names) {
      contexts.set(name, await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-US' }));
    }
    const noTimes = (): Record<'open' | 'typed', number[][]> => ({ open: [], typed: [] });
    const times = { ours: noTimes(), stock: noTimes() };
    for (let round = 0; round <= run.rounds; round++) {
      for (const name of round % 2 === 0 ? names : names.toReversed()) {
        signal.throwIfAborted();
        const context = contexts.get(name);
        if (context === undefined) continue;
        const { page, shownMs } = await openInTab(context, await sides[name]());
        await typeKeys(page, 5);
        const typed = [await typeKeys(page, keys), await typeKeys(page, keys)];
        await page.close();
        run.progress(
          `${name}: opened in ${shownMs.toFixed(0)} ms; keys ${typed.map((ms) => ms.toFixed(0)).join(', ')} ms`,
        );
        if (round === 0) continue;
        times[name].open.push([shownMs]);
        times[name].typed.push(typed);
      }
    }
    const peer = (rounds: number[][]) => ({ name: 'stock JupyterLab', rounds });
    return [
      { name: 'open 2,000 cells', unit: 'ms', ours: times.ours.open, peer: peer(times.stock.open), goal },
      {
        name: '50 keys in 2,000 cells',
        unit: 'ms',
        ours: times.ours.typed,
        peer: peer(times.stock.typed),
        goal,
      },
    ];
  },
});
