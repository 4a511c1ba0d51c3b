import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { untilStatus, untilTrue } from '../../server/testing/control-plane.ts';
import { firstWorkspace, hasBrowser, picture, pictureOnFailure, setStage, type Stage } from './browser.ts';
import { notebookFile, stripes } from './notebook-files.ts';
import { openNotebook } from './people.ts';

const slider = `import ipywidgets as widgets
reads = widgets.IntSlider(value=3, min=0, max=10, description="reads")
label = widgets.Label()
widgets.dlink((reads, "value"), (label, "value"), lambda value: f"{value} of 10")
widgets.VBox([reads, label])`;

const progress = `import time
bar = widgets.IntProgress(value=0, min=0, max=80, description="sorting")
display(bar)
for step in range(1, 81):
    time.sleep(0.25)
    bar.value = step
print("sorted")`;

// As Plotly 6 writes a figure: its numbers are the bytes of a NumPy array.
const plotly = `display({
    "application/vnd.plotly.v1+json": {
        "data": [{"type": "bar", "x": ["BRCA1", "TP53"], "y": {"dtype": "i1", "bdata": "DAc="}}],
        "layout": {"title": {"text": "Reads per gene"}, "width": 500, "height": 300},
    },
    "text/plain": "Figure",
}, raw=True)`;

const vega = `display({
    "application/vnd.vegalite.v5+json": {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "data": {"values": [{"gene": "BRCA1", "reads": 12}, {"gene": "TP53", "reads": 7}]},
        "mark": "bar",
        "encoding": {"x": {"field": "gene", "type": "nominal"}, "y": {"field": "reads", "type": "quantitative"}},
    },
    "text/plain": "Chart",
}, raw=True)`;

const outputWidget = `import time
import ipywidgets as widgets
rows, more = widgets.Output(), widgets.Button(description="one more")
def print_row(_):
    with rows:
        print("row", 60)
more.on_click(print_row)
display(widgets.VBox([more, rows]))
with rows:
    for row in range(60):
        print("row", row, flush=True)
        time.sleep(0.2)
print("that was all")`;

const interact = `@widgets.interact(x=widgets.IntSlider(value=9, min=0, max=20))
def square(x):
    print(x, "squared is", x * x)`;

describe.skipIf(!hasBrowser)('outputs that are more than text', () => {
  let stage: Stage;
  let page: Page;

  beforeAll(async () => {
    stage = await setStage();
    page = stage.page;
    // So that no cell asks about its price.
    const environment = await stage.plane.client.createEnvironment({ params: firstWorkspace, body: {} });
    await untilStatus(stage.plane.client, environment, 'Running');
    await put('words.ipynb', [
      { cell_type: 'markdown', source: 'The mean is $\\bar x = \\frac{1}{n} \\sum_i x_i$.' },
      {
        cell_type: 'markdown',
        source: '![stripes](attachment:stripes.png)',
        attachments: { 'stripes.png': { 'image/png': stripes(240, 120) } },
      },
    ]);
    await put('widgets.ipynb', [slider, 'print("the kernel has", reads.value)', progress].map(code));
    const countRows = 'print(rows.outputs[0]["text"].count("row"), "rows")';
    await put('outputs.ipynb', [outputWidget, countRows, interact].map(code));
    await put('figures.ipynb', [plotly, vega].map(code));
  });
  beforeEach(() => {
    pictureOnFailure(page);
  });
  afterAll(async () => {
    await stage.close();
  });

  const code = (source: string) => ({ cell_type: 'code', source }) as const;
  const cell = (index: number) => page.locator('.jp-Notebook .jp-Cell').nth(index);
  const output = (index: number) => cell(index).locator('.jp-OutputArea-output');

  async function put(path: string, cells: Parameters<typeof notebookFile>[0]): Promise<void> {
    const params = { ...firstWorkspace, path };
    await stage.plane.client.putNotebookContent({ params, body: notebookFile(cells) });
  }

  async function run(index: number): Promise<void> {
    await cell(index).locator('.cm-content').click();
    await page.keyboard.press('ControlOrMeta+Enter');
  }

  test('mathematics in Markdown is set, and an attached image is shown', async () => {
    await openNotebook(page, stage.plane.client, 'words.ipynb');
    await cell(0).locator('mjx-container mjx-mfrac').waitFor();
    const image = cell(1).locator('img');
    await image.waitFor();
    await untilTrue(
      async () => (await image.evaluate((shown) => (shown as { naturalWidth?: number }).naturalWidth)) === 240,
      'the image is drawn',
    );
    await picture(page, 'rich-markdown');
  });

  test('a figure of Plotly and a chart of Vega-Lite are drawn', async () => {
    await openNotebook(page, stage.plane.client, 'figures.ipynb');
    await run(0);
    await output(0).locator('.barlayer .point').nth(1).waitFor();
    await output(0).getByText('Reads per gene').waitFor();
    await run(1);
    await output(1).locator('.vega-embed svg, .vega-embed canvas').first().waitFor();
    await output(1).scrollIntoViewIfNeeded();
    await picture(page, 'rich-figures');
  });

  test('a slider that is moved by hand moves its label and the value in the kernel', async () => {
    await openNotebook(page, stage.plane.client, 'widgets.ipynb');
    await run(0);
    await output(0).getByText('3 of 10').waitFor();
    const handle = await output(0).locator('.noUi-handle').boundingBox();
    const track = await output(0).locator('.noUi-base').boundingBox();
    if (handle === null || track === null) throw new Error('The slider is not drawn.');
    const y = handle.y + handle.height / 2;
    await page.mouse.move(handle.x + handle.width / 2, y);
    await page.mouse.down();
    await page.mouse.move(track.x + track.width * 0.7, y, { steps: 8 });
    await page.mouse.up();
    await output(0).getByText('7 of 10').waitFor();
    await run(1);
    await output(1).getByText('the kernel has 7').waitFor();
    await picture(page, 'rich-slider');
  });

  test('a progress bar follows its running cell, also after a reload in the middle', async () => {
    await run(2);
    const bar = output(2).locator('.progress-bar, .widget-hprogress [role=progressbar]').first();
    const width = () => bar.evaluate((shown) => Number.parseFloat((shown as unknown as HTMLElement).style.width));
    await untilTrue(async () => (await width()) >= 10, 'the bar moves');
    await page.reload();
    await bar.waitFor();
    await picture(page, 'rich-progress');
    // While the kernel is busy with the cell: the first widget of all is back, and this one moves on.
    await output(0).getByText('7 of 10').waitFor();
    expect(await cell(2).locator('.jp-Cell-inputArea').getAttribute('data-tr-state')).toBe('running');
    const atReload = await width();
    await untilTrue(async () => (await width()) > atReload, 'the bar moves on');
    await output(2).getByText('sorted').waitFor();
    await untilTrue(async () => (await width()) === 100, 'the bar is full');
  });

  test('what is printed inside an Output widget is shown in it as it comes, and still after a reload', async () => {
    await openNotebook(page, stage.plane.client, 'outputs.ipynb');
    await run(0);
    const widget = output(0).locator('.widget-output');
    await widget.getByText('row 2').waitFor();
    expect(await cell(0).locator('.jp-Cell-inputArea').getAttribute('data-tr-state')).toBe('running');
    await page.reload();
    await widget.getByText('row 4').waitFor();
    expect(await cell(0).locator('.jp-Cell-inputArea').getAttribute('data-tr-state')).toBe('running');
    await picture(page, 'rich-output-widget');
    await output(0).getByText('that was all').waitFor();
    const rows = Array.from({ length: 60 }, (_, row) => `row ${String(row)}\n`).join('');
    await untilTrue(
      async () => (await widget.locator('pre').allTextContents()).join('') === rows,
      'the rows are there',
    );
    await page.reload();
    await untilTrue(async () => (await widget.locator('pre').allTextContents()).join('') === rows, 'the rows are back');
    // What a click causes is added behind them, and known to the kernel.
    await output(0).getByRole('button', { name: 'one more' }).click();
    await widget.getByText('row 60').waitFor();
    await run(1);
    await output(1).getByText('61 rows').waitFor();
    expect((await widget.locator('pre').allTextContents()).join('')).toBe(`${rows}row 60\n`);
  });

  test('interact shows its first output, and another for each move of its slider', async () => {
    await run(2);
    await output(2).locator('.widget-output').getByText('9 squared is 81').waitFor();
    await output(2).locator('.noUi-handle').focus();
    await output(2).locator('.widget-readout').fill('5');
    await page.keyboard.press('Enter');
    await output(2).locator('.widget-output').getByText('5 squared is 25').waitFor();
    expect(await output(2).getByText('9 squared is 81').count()).toBe(0);
    await picture(page, 'rich-interact');
  });

  test('nothing went wrong unseen', () => {
    expect(stage.complaints).toEqual([]);
  });
});
