import createPurifier, { type Config } from 'dompurify';

const safeLink = /^(?:https?:\/\/|mailto:)/i;
const safeImage = /^data:image\/(?:png|jpeg|gif|webp|svg\+xml|bmp|avif)[;,]/i;

/** Ids in untrusted text get this prefix, so that they cannot stand in for the app's own. */
export const idPrefix = 'user-content-';

const inPage = createPurifier(window);
inPage.addHook('afterSanitizeAttributes', (element) => {
  if (element.hasAttribute('class')) keepHighlightClasses(element);
  if (element.tagName === 'A') fixLink(element);
  if (element.tagName === 'IMG') fixImage(element);
});

const inPageConfig: Config = {
  USE_PROFILES: { html: true },
  // Styles, classes and forms of others could imitate or cover the app; media would load from anywhere.
  FORBID_ATTR: ['style', 'srcset', 'background', 'poster', 'action', 'formaction'],
  FORBID_TAGS: [
    'style',
    'form',
    'input',
    'button',
    'textarea',
    'select',
    'option',
    'dialog',
    'video',
    'audio',
    'source',
    'picture',
    'template',
    'slot',
  ],
  SANITIZE_NAMED_PROPS: true,
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|#|data:image\/)/i,
};

/** Makes untrusted HTML (rendered markdown) fit to be put into the app's own page. */
export function sanitizeForPage(html: string): DocumentFragment {
  return inPage.sanitize(html, { ...inPageConfig, RETURN_DOM_FRAGMENT: true });
}

function keepHighlightClasses(element: Element): void {
  const kept = [...element.classList].filter((name) => name.startsWith('hljs') || name.startsWith('language-'));
  if (kept.length === 0) element.removeAttribute('class');
  else element.setAttribute('class', kept.join(' '));
}

function fixLink(element: Element): void {
  const target = element.getAttribute('href');
  if (target === null) return;
  if (target.startsWith('#')) {
    element.setAttribute('href', `#${idPrefix}${target.slice(1)}`);
    element.removeAttribute('target');
  } else if (safeLink.test(target)) {
    element.setAttribute('target', '_blank');
    element.setAttribute('rel', 'noopener noreferrer');
  } else {
    // A path relative to the notebook leads nowhere from the app's pages.
    element.removeAttribute('href');
  }
}

/** An image on another server would tell that server who reads, and when: it becomes a link. */
function fixImage(element: Element): void {
  const source = element.getAttribute('src') ?? '';
  if (safeImage.test(source)) return;
  const label = element.getAttribute('alt') || 'image';
  const page = element.ownerDocument;
  if (safeLink.test(source) && element.closest('a') === null) {
    const link = page.createElement('a');
    link.textContent = `${label} (image on ${new URL(source).host})`;
    link.setAttribute('href', source);
    link.setAttribute('target', '_blank');
    link.setAttribute('rel', 'noopener noreferrer');
    element.replaceWith(link);
  } else {
    element.replaceWith(page.createTextNode(`[${label}]`));
  }
}

const inFrame = createPurifier(window);
inFrame.addHook('afterSanitizeAttributes', (element) => {
  for (const name of ['src', 'href', 'xlink:href']) {
    const target = element.getAttribute(name);
    if (target === null || target.startsWith('#') || safeImage.test(target)) continue;
    if (name === 'href' && element.tagName.toLowerCase() === 'a' && safeLink.test(target)) continue;
    element.removeAttribute(name);
  }
});

const inFrameConfig: Config = {
  USE_PROFILES: { html: true, svg: true, svgFilters: true, mathMl: true },
  ADD_TAGS: ['style'],
  FORBID_TAGS: ['form', 'input', 'button', 'textarea', 'select', 'option', 'video', 'audio', 'source', 'picture'],
  FORBID_ATTR: ['srcset', 'background', 'poster', 'action', 'formaction', 'target'],
  // Without it a leading <style> is taken for the head's and dropped.
  FORCE_BODY: true,
};

/** HTML or SVG of an output without anything that runs or loads. It belongs in a sandboxed frame all the same. */
export function sanitizeForFrame(html: string): string {
  return inFrame.sanitize(html, inFrameConfig);
}

const harmlessStyle = /^(?!.*(?:url|image|src|element|paint|@|\\|\/\*))/is;

const inMeasure = createPurifier(window);
inMeasure.addHook('uponSanitizeAttribute', (_element, attribute) => {
  // Here, unlike in the frame, no content policy of its own keeps a style from loading something.
  if (attribute.attrName === 'style' && !harmlessStyle.test(attribute.attrValue)) attribute.keepAttr = false;
});

/** The same output with its shape only, to find out in the page how high the frame must be. */
export function sanitizeForMeasuring(frameHtml: string): string {
  return inMeasure.sanitize(frameHtml, {
    USE_PROFILES: { html: true, svg: true },
    FORBID_TAGS: ['style', 'a', 'use', 'image', 'form'],
    FORBID_ATTR: ['id', 'name', 'href', 'xlink:href', 'srcset', 'background', 'poster'],
    ALLOWED_URI_REGEXP: /^data:image\//i,
  });
}

/** Whether there is anything to see in sanitised HTML: text, a picture, a table. */
export function isVisible(html: string): boolean {
  const template = document.createElement('template');
  template.innerHTML = html;
  for (const style of template.content.querySelectorAll('style')) style.remove();
  return (
    template.content.querySelector('svg, img, table, hr, math') !== null || template.content.textContent.trim() !== ''
  );
}

const framePolicy = "default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'";

/** The document for an output's frame: nothing runs in it and nothing is loaded from anywhere. */
export function frameDocument(sanitizedHtml: string, scheme: 'light' | 'dark'): string {
  const colors =
    scheme === 'dark'
      ? 'color:#e4e8e6;--line:#434b50;--stripe:#23292d'
      : 'color:#17201c;--line:#dfe3e1;--stripe:#f5f7f6';
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${framePolicy}"><meta name="referrer" content="no-referrer"><base target="_blank"><style>:root{color-scheme:${scheme}}body{margin:0;background:transparent;font:13px/20px system-ui,sans-serif;${colors}}${frameStyle}</style></head><body>${sanitizedHtml}</body></html>`;
}

/** Plain tables as one expects them from a notebook. Used in the frame and where its height is measured. */
export const frameStyle =
  'table{border:none;border-collapse:collapse;font-size:12px;line-height:16px;font-variant-numeric:tabular-nums}' +
  'th,td{border:none;padding:4px 8px;text-align:right;vertical-align:top}thead{border-bottom:1px solid var(--line)}' +
  'tbody tr:nth-child(odd){background:var(--stripe)}img,svg{max-width:100%}svg,img{display:block}p{margin:8px 0 0}';
