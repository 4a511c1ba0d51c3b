import { AnsiUp } from 'ansi_up';

/** What a terminal would show: a carriage return goes back to the start of its line, a backspace one character. */
export function applyCarriageReturns(text: string): string {
  return applyBackspaces(text)
    .replace(/\r+\n/g, '\n')
    .split('\n')
    .map((line) => {
      if (!line.includes('\r')) return line;
      let shown = '';
      for (const part of line.split('\r')) shown = part + shown.slice(part.length);
      return shown;
    })
    .join('\n');
}

function applyBackspaces(text: string): string {
  if (!text.includes('\b')) return text;
  const shown: string[] = [];
  for (const character of text) {
    if (character !== '\b') shown.push(character);
    else if (shown.at(-1) !== '\n') shown.pop();
  }
  return shown.join('');
}

/** Text with ANSI colours as HTML in which everything else is escaped. */
export function ansiToHtml(text: string): string {
  const converter = new AnsiUp();
  converter.use_classes = true;
  converter.escape_html = true;
  // Terminal links could lead anywhere under any text.
  converter.url_allowlist = {};
  return converter.ansi_to_html(applyCarriageReturns(text));
}
