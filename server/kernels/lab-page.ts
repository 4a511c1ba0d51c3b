/**
 * index.html with the page's configuration in it. The configuration stands inside a script element of JSON, so no `<`
 * may end that element early, whatever a name contains.
 */
export function labPage(template: string, config: Record<string, unknown>): string {
  const json = JSON.stringify(config)
    .replaceAll('<', '\\u003c')
    .replaceAll('>', '\\u003e')
    .replaceAll('&', '\\u0026')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
  // A function, because in a replacement string `$` has a meaning.
  return template.replace('__PAGE_CONFIG__', () => json);
}
