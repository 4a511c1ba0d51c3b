import type { BrowserContext, Page } from 'playwright-core';

const editor = '.jp-Notebook .jp-Cell .cm-content';
const waitMs = 120_000;

/** A notebook in JupyterLab, and how long it took until its first cell could be typed in. */
export interface OpenedNotebook {
  readonly page: Page;
  /** From the navigation until the picture that shows the first cell's text. */
  readonly shownMs: number;
}

/** Opens a notebook in a new tab. @param url  of JupyterLab with this notebook alone */
export async function openInTab(context: BrowserContext, url: string): Promise<OpenedNotebook> {
  const page = await context.newPage();
  page.setDefaultTimeout(waitMs);
  await page.addInitScript(noteFirstText, editor);
  await page.goto(url, { waitUntil: 'commit' });
  const shown = await page.waitForFunction(() => Reflect.get(window, 'benchShownAt') as number | undefined, undefined, {
    polling: 50,
  });
  const shownMs = Number(await shown.jsonValue());
  return { page, shownMs };
}

/**
 * Types into the first cell as fast as it goes.
 * @returns the time in ms from the first key until the picture that shows the last one
 */
export async function typeKeys(page: Page, keys: number): Promise<number> {
  const cell = page.locator(editor).first();
  await cell.click();
  await page.keyboard.press('ControlOrMeta+End');
  const length = ((await cell.textContent()) ?? '').length;
  await page.evaluate(timeTyping, { selector: editor, length: length + keys });
  await page.keyboard.type('x'.repeat(keys));
  return page.evaluate(() => Reflect.get(window, 'benchTyped') as Promise<number>);
}

/** Runs in the page, before anything else of it. JupyterLab may show an empty cell before it has the notebook. */
function noteFirstText(selector: string): void {
  const look = (): void => {
    if ((document.querySelector(selector)?.textContent ?? '') === '') requestAnimationFrame(look);
    else Reflect.set(window, 'benchShownAt', performance.now());
  };
  requestAnimationFrame(look);
}

/** Runs in the page. It is there before the first key, because keys overtake what a page is asked. */
function timeTyping({ selector, length }: { selector: string; length: number }): void {
  const typed = new Promise<number>((resolve) => {
    document.addEventListener(
      'keydown',
      ({ timeStamp }) => {
        const look = (): void => {
          const text = document.querySelector(selector)?.textContent ?? '';
          if (text.length < length) requestAnimationFrame(look);
          else resolve(performance.now() - timeStamp);
        };
        look();
      },
      { capture: true, once: true },
    );
  });
  Reflect.set(window, 'benchTyped', typed);
}
