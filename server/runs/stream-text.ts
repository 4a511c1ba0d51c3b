/**
 * The end of a stream's text: its last line, and the column at which the next character goes. Everything before the last
 * line is final, so this is all that is needed to go on.
 */
export interface StreamEnd {
  readonly line: string;
  readonly column: number;
}

export const emptyEnd: StreamEnd = { line: '', column: 0 };

/**
 * Writes to a stream as JupyterLab does: a carriage return goes back to the start of the line, where what follows
 * overwrites; a backspace takes back a character; a line feed ends the whole line wherever the cursor is.
 * @returns the lines that are final now, each with its line feed, and the new end
 * @see @jupyterlab/outputarea, OutputAreaModel, processText
 */
export function writeStream({ line, column }: StreamEnd, text: string): { readonly ended: string; end: StreamEnd } {
  const ended: string[] = [];
  for (let from = 0; ;) {
    const at = nextControl(text, from);
    const written = text.slice(from, at === -1 ? undefined : at);
    line = line.slice(0, column) + written + line.slice(column + written.length);
    column += written.length;
    if (at === -1) break;
    from = at + 1;
    const control = text[at];
    if (control === '\n') {
      ended.push(line.toWellFormed(), '\n');
      line = '';
      column = 0;
    } else if (control === '\r') column = 0;
    else if (column > 0) {
      // JupyterLab also drops the character under the cursor, if there is one.
      line = line.slice(0, column - 1) + line.slice(column + 1);
      column -= 1;
    }
  }
  // Overwriting may have cut a surrogate pair in two, and half of one is not text.
  return { ended: ended.join(''), end: { line: line.toWellFormed(), column } };
}

/** A stream longer than this loses its middle. */
export const maxStreamLength = 10_000_000;
/** What is kept of either end then. The room up to `maxStreamLength` is what makes cutting rare. */
const keptLength = 2_000_000;
const cutNotice = /^\[… (\d+) characters of this output were left out here …\]\n/;

/** The text as it is kept: where it is too long, its start and its end with a sentence between them. */
export function boundStream(text: string): string {
  if (text.length <= maxStreamLength) return text;
  const headEnd = Math.max(text.lastIndexOf('\n', keptLength - 1) + 1, 0) || wholeCharacter(text, keptLength);
  const notice = cutNotice.exec(text.slice(headEnd, headEnd + 200));
  const head = text.slice(0, headEnd);
  const middleStart = headEnd + (notice?.[0].length ?? 0);
  const tailWish = text.length - keptLength;
  const nextLine = text.indexOf('\n', tailWish) + 1;
  const tailStart = nextLine > 0 && nextLine < text.length ? nextLine : wholeCharacter(text, tailWish);
  const leftOut = Number(notice?.[1] ?? 0) + tailStart - middleStart;
  const separator = head.endsWith('\n') ? '' : '\n';
  return `${head}${separator}[… ${String(leftOut)} characters of this output were left out here …]\n${text.slice(tailStart)}`;
}

/** How much of the two texts is the same from the start, never cutting a surrogate pair. */
export function commonStart(one: string, other: string): number {
  const most = Math.min(one.length, other.length);
  let length = 0;
  while (length < most && one.charCodeAt(length) === other.charCodeAt(length)) length += 1;
  return wholeCharacter(one, length);
}

function wholeCharacter(text: string, at: number): number {
  const before = text.charCodeAt(at - 1);
  return before >= 0xd800 && before <= 0xdbff ? at - 1 : at;
}

function nextControl(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 10 || code === 13 || code === 8) return at;
  }
  return -1;
}
