import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonFraming, v1Framing, type ChannelMessage } from './framing.ts';
import { decodeWire, encodeWire } from './wire.ts';

const dictionary = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)));
const json = dictionary.map((value) => Buffer.from(JSON.stringify(value)));
const buffers = fc.array(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  { maxLength: 4 },
);
const message: fc.Arbitrary<ChannelMessage> = fc.record({
  channel: fc.constantFrom('shell', 'control', 'stdin', 'iopub'),
  header: json,
  parentHeader: json,
  metadata: json,
  content: json,
  buffers,
});

function plain({ channel, header, parentHeader, metadata, content, buffers: binary }: ChannelMessage): unknown {
  const values = [header, parentHeader, metadata, content].map((bytes): unknown => JSON.parse(bytes.toString()));
  return { channel, values, buffers: binary.map((buffer) => [...buffer]) };
}

describe.each([
  ['json', jsonFraming],
  ['v1', v1Framing],
] as const)('the %s framing', (_, framing) => {
  test('gives back every message it encodes', () => {
    fc.assert(
      fc.property(message, (original) => {
        const data = framing.encode(original);
        const decoded = framing.decode(Buffer.from(data), typeof data !== 'string');
        expect(decoded).not.toBeNull();
        if (decoded !== null) expect(plain(decoded)).toEqual(plain(original));
      }),
    );
  });

  test('takes any bytes for no message at worst', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isBinary) => {
        framing.decode(Buffer.from(bytes), isBinary);
      }),
    );
  });
});

test('a v1 frame whose offsets leave the data is no message', () => {
  const data = v1Framing.encode({
    channel: 'shell',
    header: Buffer.from('{}'),
    parentHeader: Buffer.from('{}'),
    metadata: Buffer.from('{}'),
    content: Buffer.from('{}'),
    buffers: [],
  });
  const hostile = Buffer.from(data);
  hostile.writeBigUInt64LE(2n ** 60n, 8 * 3);
  expect(v1Framing.decode(hostile, true)).toBeNull();
});

test('a message on the wire is refused when a byte of it or its signature was changed', () => {
  const original = {
    header: Buffer.from('{"msg_id":"1"}'),
    parentHeader: Buffer.from('{}'),
    metadata: Buffer.from('{}'),
    content: Buffer.from('{"code":"1"}'),
    buffers: [Buffer.from([1])],
  };
  const frames = encodeWire('key', original);
  expect(decodeWire('key', [Buffer.from('topic'), ...frames])).toEqual(original);
  expect(decodeWire('other', frames)).toBeNull();
  expect(decodeWire('key', frames.with(5, Buffer.from('{"code":"2"}')))).toBeNull();
  expect(decodeWire('key', frames.slice(0, 4))).toBeNull();
});
