import katex from 'katex';
import { Marked, type TokenizerAndRendererExtension, type Tokens } from 'marked';
import { escapeHtml, highlightCode } from './highlight.ts';
import type { Attachments } from './notebook.ts';
import { sanitizeForPage } from './sanitize.ts';

interface Math {
  readonly tex: string;
  readonly isDisplay: boolean;
}

/**
 * Renders untrusted markdown with mathematics to HTML that is safe in the app's own page. Mathematics is set after
 * cleaning, because KaTeX needs styles, which nobody else's HTML may bring.
 */
export function renderMarkdown(source: string, attachments: Attachments = {}): string {
  const formulas: Math[] = [];
  const html = parserFor(formulas, attachments).parse(source, { async: false });
  const holder = document.createElement('div');
  holder.append(sanitizeForPage(html));
  for (const place of holder.querySelectorAll('[data-math]')) {
    const math = formulas[Number(place.getAttribute('data-math'))];
    place.removeAttribute('data-math');
    if (math !== undefined) place.innerHTML = renderMath(math.tex, math.isDisplay);
  }
  return holder.innerHTML;
}

/** A formula as HTML; what KaTeX cannot set is shown as it was written. */
export function renderMath(tex: string, isDisplay: boolean): string {
  try {
    return katex.renderToString(tex, {
      displayMode: isDisplay,
      // Links, images and styles inside formulas stay off.
      trust: false,
      strict: 'ignore',
      maxExpand: 1000,
      maxSize: 40,
    });
  } catch {
    return `<code>${escapeHtml(tex)}</code>`;
  }
}

function parserFor(formulas: Math[], attachments: Attachments): Marked {
  const place = (tex: string, isDisplay: boolean): string => {
    formulas.push({ tex, isDisplay });
    const index = String(formulas.length - 1);
    return isDisplay ? `<div data-math="${index}"></div>` : `<span data-math="${index}"></span>`;
  };
  const slugs = new Map<string, number>();
  const slugOf = (text: string): string => {
    const slug = text
      .toLowerCase()
      .replace(/<[^>]*>/g, '')
      .trim()
      .replace(/\s+/g, '-')
      .replace(/[^\p{L}\p{N}_-]/gu, '');
    const seen = slugs.get(slug) ?? 0;
    slugs.set(slug, seen + 1);
    return seen === 0 ? slug : `${slug}-${String(seen)}`;
  };
  return new Marked({
    gfm: true,
    extensions: [displayMath(place), inlineMath(place)],
    renderer: {
      heading({ tokens, depth, text }) {
        const level = String(depth);
        return `<h${level} id="${escapeHtml(slugOf(text))}">${this.parser.parseInline(tokens)}</h${level}>`;
      },
      code({ text, lang }) {
        const language = (lang ?? '').split(/\s/)[0] ?? '';
        return `<pre><code class="hljs">${highlightCode(text, language)}</code></pre>`;
      },
      checkbox({ checked }) {
        return checked ? '☑ ' : '☐ ';
      },
      image({ href, title, text }) {
        const source = href.startsWith('attachment:') ? attached(href, attachments) : href;
        const titled = title ? ` title="${escapeHtml(title)}"` : '';
        return `<img src="${escapeHtml(source)}" alt="${escapeHtml(text)}"${titled}>`;
      },
    },
  });
}

/** An image kept in the notebook itself, as a data: URL. */
function attached(reference: string, attachments: Attachments): string {
  let name = reference.slice('attachment:'.length);
  try {
    name = decodeURIComponent(name);
  } catch {
    // Not percent-encoded: the name is as written.
  }
  const [type, base64] = Object.entries(attachments[name] ?? {})[0] ?? ['', ''];
  return type.startsWith('image/') ? `data:${type};base64,${base64.replace(/\s/g, '')}` : '';
}

type Place = (tex: string, isDisplay: boolean) => string;

const displayPattern = /^(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\]|(\\begin\{([a-zA-Z]+\*?)\}[\s\S]+?\\end\{\4\}))/;

function displayMath(place: Place): TokenizerAndRendererExtension {
  return {
    name: 'displayMath',
    level: 'block',
    start: (source) => source.match(/\$\$|\\\[|\\begin\{/)?.index,
    tokenizer(source) {
      const match = new RegExp(`${displayPattern.source}[ \\t]*(?:\\n|$)`).exec(source);
      if (match === null) return undefined;
      return { type: 'displayMath', raw: match[0], text: match[1] ?? match[2] ?? match[3] ?? '' };
    },
    renderer: (token: Tokens.Generic) => place(String(token['text']), true),
  };
}

function inlineMath(place: Place): TokenizerAndRendererExtension {
  return {
    name: 'inlineMath',
    level: 'inline',
    start: (source) => source.match(/\$|\\\(|\\\[|\\begin\{/)?.index,
    tokenizer(source) {
      const display = displayPattern.exec(source);
      if (display !== null)
        return {
          type: 'inlineMath',
          raw: display[0],
          text: display[1] ?? display[2] ?? display[3] ?? '',
          isDisplay: true,
        };
      // A dollar that means money: a space after it, or a digit after the one that would close it.
      const inline = /^(?:\$(?!\s)((?:\\[\s\S]|[^$\\])+?)(?<!\s)\$(?!\d)|\\\(([\s\S]+?)\\\))/.exec(source);
      if (inline === null) return undefined;
      return { type: 'inlineMath', raw: inline[0], text: inline[1] ?? inline[2] ?? '', isDisplay: false };
    },
    renderer: (token: Tokens.Generic) =>
      // A block cannot stand inside a paragraph; KaTeX centres a display formula in a span as well.
      place(String(token['text']), token['isDisplay'] === true).replace(/^<div(.*)<\/div>$/, '<span$1</span>'),
  };
}
