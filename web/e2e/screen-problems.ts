import type { Page } from 'playwright-core';

/**
 * What is wrong with the screen as it stands: it scrolls sideways, a control has no name, a text has too little
 * contrast (WCAG AA), something sticks out. `isOurs: false` looks at the fit alone.
 */
export function screenProblems(page: Page, { isOurs } = { isOurs: true }): Promise<string[]> {
  return page.evaluate((everything) => {
    const problems: string[] = [];
    const root = document.documentElement;
    const wide = root.scrollWidth - root.clientWidth;
    if (wide > 0) problems.push(`scrolls sideways by ${String(wide)} px`);
    if (!everything) return problems;

    const seen = (element: Element): boolean =>
      element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
      element.getClientRects().length > 0 &&
      element.closest('[aria-hidden="true"], [inert]') === null;
    const describe = (element: Element): string => element.outerHTML.replace(/>[\s\S]*$/, '>').slice(0, 120);

    const nameOf = (element: Element): string => {
      const labelled = (element.getAttribute('aria-labelledby') ?? '')
        .split(/\s+/)
        .map((id) => document.getElementById(id));
      const labels = 'labels' in element ? [...((element as HTMLInputElement).labels ?? [])] : [];
      return [
        element.getAttribute('aria-label'),
        ...labelled.map((label) => label?.textContent),
        ...labels.map((label) => label.textContent),
        element.textContent,
        element.getAttribute('alt'),
        element.getAttribute('title'),
      ].join('');
    };
    const controls =
      'a[href], button, input:not([type=hidden]), select, textarea, iframe, img:not([alt]), [role=button], [role=link], [role=meter], [role=checkbox], [role=radio], [role=dialog]';
    for (const control of document.querySelectorAll(controls))
      if (seen(control) && nameOf(control).trim() === '') problems.push(`no name: ${describe(control)}`);

    const headings = [...document.querySelectorAll('h1')].filter(seen);
    if (headings.length === 0) problems.push('no first heading');
    if (document.title === '' || !document.title.endsWith('Terrarium')) problems.push(`title "${document.title}"`);
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) problems.push(`id twice: ${id}`);

    // The browser itself turns any colour it knows into numbers.
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const parse = (colour: string): [number, number, number, number] => {
      if (canvas === null) return [0, 0, 0, 0];
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [red = 0, green = 0, blue = 0, alpha = 0] = canvas.getImageData(0, 0, 1, 1).data;
      return [red, green, blue, alpha / 255];
    };
    const groundOf = (element: Element): [number, number, number] => {
      const layers: [number, number, number, number][] = [];
      for (let at: Element | null = element; at !== null; at = at.parentElement) {
        const layer = parse(getComputedStyle(at).backgroundColor);
        layers.push(layer);
        if (layer[3] === 1) break;
      }
      const base: [number, number, number] = [255, 255, 255];
      return layers.reduceRight<[number, number, number]>(
        (under, [red, green, blue, alpha]) => [
          red * alpha + under[0] * (1 - alpha),
          green * alpha + under[1] * (1 - alpha),
          blue * alpha + under[2] * (1 - alpha),
        ],
        base,
      );
    };
    const luminance = (colour: readonly number[]): number => {
      const [red = 0, green = 0, blue = 0] = colour.slice(0, 3).map((part) => {
        const share = part / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const reported = new Set<string>();
    for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
      const element = text.parentElement;
      if (element === null || text.textContent?.trim() === '' || !seen(element)) continue;
      const box = element.getBoundingClientRect();
      if (box.width <= 1 || box.height <= 1) continue;
      if (element.closest(':disabled, [data-disabled], [aria-disabled="true"], .katex') !== null) continue;
      const style = getComputedStyle(element);
      const [light = 0, dark = 0] = [luminance(parse(style.color)), luminance(groundOf(element))].sort((a, b) => b - a);
      const contrast = (light + 0.05) / (dark + 0.05);
      const isLarge =
        parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.6 && Number(style.fontWeight) >= 700);
      const what = `contrast ${contrast.toFixed(1)}: "${text.textContent?.trim().slice(0, 30) ?? ''}"`;
      if (contrast < (isLarge ? 3 : 4.5) && !reported.has(what)) {
        reported.add(what);
        problems.push(what);
      }
    }
    return problems;
  }, isOurs);
}
