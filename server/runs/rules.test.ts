import { kernelEndings } from '@terrarium/contract/agent';
import { describe, expect, it, test } from 'vitest';
import { consequenceOf } from './endings.ts';
import { chooseKernel } from './kernel-choice.ts';
import { readMessage } from './kernel-messages.ts';
import { displaysMarkOf, forgetMarks, markOf, newProgress, readDisplays, readMark, type Reply } from './progress.ts';
import { resumptionOf } from './resumption.ts';
import { msgIdOf, newRun, outcomeOf } from './run.ts';

const python = { name: 'python3', displayName: 'Python 3', language: 'python' };
const other = { name: 'conda', displayName: 'Conda', language: 'python' };
const r = { name: 'ir', displayName: 'R', language: 'R' };
const asking = (name: string, language?: string) => ({
  kernelspec: { name, display_name: name },
  ...(language === undefined ? {} : { language_info: { name: language } }),
});

describe('the kernel of a notebook', () => {
  it.each([
    ['is the one that it names', asking('ir', 'R'), [python, r], 'ir', false],
    ['is the only one of its language, with a notice', asking('python2', 'python'), [python, r], 'python3', true],
    ['is found whatever the case of the language', asking('R-4', 'r'), [python, r], 'ir', true],
    ['is the default where it names nothing, with a notice', {}, [r, python], 'python3', true],
    ['is found by its language alone', { language_info: { name: 'R' } }, [python, r], 'ir', true],
    ['is none where two would do', asking('python2', 'python'), [python, other, r], null, true],
    ['is none where no language fits', asking('julia', 'julia'), [python, r], null, true],
    ['is none where there are no kernels', asking('python3'), [], null, true],
  ])('%s', (_, metadata, offered, name, isTold) => {
    const choice = chooseKernel(metadata, offered, 'python3');
    expect(choice.kind === 'chosen' ? choice.name : null).toBe(name);
    const told = choice.kind === 'chosen' ? choice.notice : choice.reason;
    expect(told === null ? false : /^[A-Z].*[.]$/.test(told)).toBe(isTold);
  });
});

describe('what follows from how a cell ended', () => {
  const error = (name: string, message: string): Reply => ({ status: 'error', name, message });
  it.each<[Reply, string, string | null]>([
    [{ status: 'ok' }, 'none', null],
    [error('ValueError', 'no'), 'run ends', 'failed'],
    [error('KeyboardInterrupt', ''), 'queue ends', 'interrupted'],
    [{ status: 'aborted' }, 'queue ends', 'interrupted'],
    [error('KernelDied', 'Kernel python3 crashed (SIGSEGV).'), 'queue ends', 'failed'],
    [error('KernelDied', kernelEndings.restarted), 'queue ends', 'interrupted'],
    [error('KernelDied', kernelEndings.shutDown), 'kernel lost', 'interrupted'],
  ])('%j: %s', (reply, kind, status) => {
    const consequence = consequenceOf(reply);
    expect(consequence.kind).toBe(kind);
    expect(consequence.kind === 'none' ? null : consequence.ending.status).toBe(status);
  });

  it('is told in a sentence of bearable length', () => {
    const consequence = consequenceOf(error('E', 'x'.repeat(10_000)));
    expect(consequence.kind === 'none' ? '' : consequence.ending.reason).toHaveLength(501);
  });
});

describe('after a restart', () => {
  const run = newRun(
    { id: 'r1', documentId: 'd', workspaceId: 'w', accountId: 'a', startsEnvironment: false, queuedAt: 0 },
    ['a', 'b', 'c'],
  );
  const execution = (position: number, state: 'running' | 'done', outcome: 'ok' | null) => ({
    msgId: msgIdOf(run, position),
    state,
    outcome,
    startedAt: 1,
    endedAt: outcome === null ? null : 2,
    executionCount: position + 1,
  });
  const kinds = (...given: Parameters<typeof resumptionOf> extends [unknown, ...infer Rest] ? Rest : never) =>
    resumptionOf([run], ...given).map(({ resumed }) => resumed.kind);
  const inDocument = (position: number, isEnded: boolean) => ({
    ...newProgress(msgIdOf(run, position), 'abc'[position] ?? ''),
    reply: isEnded ? ({ status: 'ok' } as const) : null,
    isIdle: isEnded,
  });

  it('what was never sent is sent', () => {
    expect(kinds([], null)).toEqual(['not sent', 'not sent', 'not sent']);
  });
  it('the last one sent is heard from its start where the document has nothing of it, even if it has ended', () => {
    const executions = [execution(0, 'done', 'ok'), execution(1, 'done', 'ok')];
    expect(kinds(executions, inDocument(0, true))).toEqual(['ended', 'unheard', 'not sent']);
  });
  it('one that is in the document in part is gone on with', () => {
    expect(kinds([execution(0, 'running', null)], inDocument(0, false))).toEqual(['under way', 'not sent', 'not sent']);
  });
  it('one that is in the document as a whole has ended, whatever its row says', () => {
    expect(kinds([execution(0, 'done', 'ok')], inDocument(0, true))).toEqual(['ended', 'not sent', 'not sent']);
  });
  it('one whose reply is there and whose last output is not is gone on with', () => {
    const half = { ...inDocument(0, true), isIdle: false };
    expect(kinds([execution(0, 'done', 'ok')], half)).toEqual(['under way', 'not sent', 'not sent']);
  });
});

test('a mark brings back how far an execution is, question and cursor included, and is forgotten with its kernel', () => {
  const progress = newProgress('m1', 'c1');
  progress.outputs.clearsNext = true;
  progress.outputs.column = 3;
  progress.outputs.displays.set('d', [0, 2]);
  progress.question = { prompt: 'Who?', password: true, header: { msg_id: 'q' } };
  const kept = [markOf('k', 17, progress), displaysMarkOf('k', progress), markOf('k2', 1, null)];
  // As the journal keeps it: JSON.
  const marks = new Map(kept.map(({ name, value }) => [name, JSON.parse(JSON.stringify(value)) as unknown]));
  const read = readMark(marks, 'k');
  expect(read?.seq).toBe(17);
  expect(read?.last).toEqual({ ...progress, outputs: { ...progress.outputs, displays: new Map() } });
  expect(readDisplays(marks, 'k', 'c1')).toEqual(new Map([['d', [0, 2]]]));
  expect(readMark(marks, 'k3')).toBeNull();
  expect(forgetMarks(marks, 'k').map(({ name }) => name)).toEqual(['kernel:k', 'displays:k:c1']);
});

test('a run that came to its end succeeded, expected failures aside', () => {
  const run = newRun(
    { id: 'r', documentId: 'd', workspaceId: 'w', accountId: 'a', startsEnvironment: true, queuedAt: 0 },
    ['a', 'b'],
  );
  expect(outcomeOf(run)).toBe('succeeded');
  expect(outcomeOf({ cells: run.cells.map((cell) => ({ ...cell, status: 'failed' as const })) })).toBe('succeeded');
  expect(outcomeOf({ cells: run.cells.map((cell) => ({ ...cell, status: 'interrupted' as const })) })).toBe(
    'interrupted',
  );
});

describe('a frame of a kernel', () => {
  const message = {
    header: { msg_type: 'stream' },
    parent_header: { msg_id: 'p' },
    metadata: { terrarium_seq: 4 },
    content: { text: 'x' },
    channel: 'iopub',
  };
  const text = Buffer.from(JSON.stringify(message));

  it('is read with its buffers and without', () => {
    const head = Buffer.alloc(12);
    head.writeUInt32BE(2, 0);
    head.writeUInt32BE(12, 4);
    head.writeUInt32BE(12 + text.length, 8);
    for (const read of [
      readMessage(text, false),
      readMessage(Buffer.concat([head, text, Buffer.from('buffer')]), true),
    ]) {
      expect(read).toMatchObject({ seq: 4, type: 'stream', parentId: 'p', content: { text: 'x' } });
    }
  });

  it.each([
    ['nothing', Buffer.alloc(0), false],
    ['no JSON', Buffer.from('{'), false],
    ['no place in the journal', Buffer.from(JSON.stringify({ ...message, metadata: {} })), false],
    ['a short head', Buffer.from([0, 0, 0, 9]), true],
    ['offsets past the end', Buffer.from([0, 0, 0, 1, 0, 0, 1, 0]), true],
  ])('with %s is no message', (_, data, isBinary) => {
    expect(readMessage(data, isBinary)).toBeNull();
  });
});
