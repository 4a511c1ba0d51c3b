import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { boundStream, commonStart, emptyEnd, maxStreamLength, writeStream } from './stream-text.ts';

/** JupyterLab's own algorithm, on the whole text. @see @jupyterlab/outputarea 4.6, OutputAreaModel, processText */
function processText(index: number, newText: string, text = ''): { text: string; index: number } {
  for (const character of newText.split('')) {
    if (character === '\b') {
      if (index > 0 && text[index - 1] !== '\n') {
        text = text.slice(0, index - 1) + text.slice(index + 1);
        index -= 1;
      }
    } else if (character === '\r') {
      while (index > 0 && text[index - 1] !== '\n') index -= 1;
    } else if (character === '\n') {
      text += '\n';
      index = text.length;
    } else {
      text = text.slice(0, index) + character + text.slice(index + 1);
      index += 1;
    }
  }
  return { text, index };
}

const chunk = fc.string({ unit: fc.constantFrom('a', 'b', 'ü', ' ', '\n', '\r', '\b'), maxLength: 30 });

describe('a stream', () => {
  test('is written as JupyterLab writes it, however it is cut into messages', () => {
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 8 }), (chunks) => {
        let final = '';
        let end = emptyEnd;
        let expected = { text: '', index: 0 };
        for (const text of chunks) {
          const written = writeStream(end, text);
          final += written.ended;
          end = written.end;
          expected = processText(expected.index, text, expected.text);
        }
        expect(final + end.line).toBe(expected.text);
        expect(final.length + end.column).toBe(expected.index);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['10%\r 20%\r100%\n', '100%\n'],
    ['abc\rX', 'Xbc'],
    ['abc\b\bX', 'aX'],
    ['one\n\b\btwo', 'one\ntwo'],
    ['abc\rX\nnext', 'Xbc\nnext'],
    ['😀\rx', 'x\ufffd'],
  ])('%j is shown as %j', (text, shown) => {
    const { ended, end } = writeStream(emptyEnd, text);
    expect(ended + end.line).toBe(shown);
    expect((ended + end.line).isWellFormed()).toBe(true);
  });

  it('of absurd length keeps its start and its end, and counts what is left out over and over', () => {
    const line = (index: number) => `${String(index).padStart(9, '0')}\n`;
    let text = '';
    let written = 0;
    for (let round = 0; round < 4; round += 1) {
      for (let index = 0; index < 400_000; index += 1) text += line(written++);
      text = boundStream(text);
      expect(text.length).toBeLessThanOrEqual(maxStreamLength);
    }
    expect(text.startsWith(line(0) + line(1))).toBe(true);
    expect(text.endsWith(line(written - 2) + line(written - 1))).toBe(true);
    const notice = /\[… (\d+) characters of this output were left out here …\]\n/.exec(text);
    expect(text.match(/left out here/g)).toHaveLength(1);
    expect(text.length - (notice?.[0].length ?? 0) + Number(notice?.[1])).toBe(written * 10);
  });

  it('without a line feed is cut as well', () => {
    const text = boundStream('x'.repeat(maxStreamLength + 1));
    expect(text.length).toBeLessThan(maxStreamLength / 2);
    expect(boundStream(text)).toBe(text);
  });
});

test('what two texts have in common never ends within a character', () => {
  expect(commonStart('a😀', 'a😁')).toBe(1);
  expect(commonStart('abc', 'abd')).toBe(2);
  expect(commonStart('', 'x')).toBe(0);
});
