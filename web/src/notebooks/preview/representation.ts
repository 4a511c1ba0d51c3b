import { textOf, type MimeBundle } from './notebook.ts';

/** How one output is shown: the richest of what its bundle offers that can be shown without running anything. */
export type Representation =
  | { readonly kind: 'html' | 'svg'; readonly source: string }
  | { readonly kind: 'markdown' | 'latex' | 'text'; readonly source: string }
  | { readonly kind: 'image'; readonly type: string; readonly base64: string }
  | { readonly kind: 'json'; readonly source: string }
  | { readonly kind: 'nothing' };

const imageTypes = ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/bmp'];

/** In the order in which they would be shown, richest first. */
export function representations(data: MimeBundle): Representation[] {
  const found: Representation[] = [];
  const add = (kind: 'html' | 'svg' | 'markdown' | 'latex' | 'text', type: string): void => {
    const source = textOf(data, type);
    if (source !== undefined && source !== '') found.push({ kind, source });
  };
  add('html', 'text/html');
  add('markdown', 'text/markdown');
  add('svg', 'image/svg+xml');
  for (const type of imageTypes) {
    const base64 = textOf(data, type)?.replace(/\s/g, '');
    if (base64 !== undefined && /^[A-Za-z0-9+/]+=*$/.test(base64)) found.push({ kind: 'image', type, base64 });
  }
  add('latex', 'text/latex');
  if (data['application/json'] !== undefined)
    found.push({ kind: 'json', source: JSON.stringify(data['application/json'], null, 2) });
  add('text', 'text/plain');
  return found;
}

/** Whether the output is made to be interactive, so that here it shows less than in an open notebook. */
export function needsScripts(data: MimeBundle): boolean {
  return Object.keys(data).some(
    (type) =>
      type === 'application/javascript' ||
      type === 'application/vnd.jupyter.widget-view+json' ||
      /^application\/vnd\.(plotly|vegalite|vega|bokehjs|holoviews)/.test(type),
  );
}
