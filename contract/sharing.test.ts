import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { EmailAddress } from './names.ts';
import { effective, grantProblem, includes, rightsAsked, shareProblem, type Rights } from './sharing.ts';

const rights: fc.Arbitrary<Rights> = fc.record({
  role: fc.constantFrom('READER', 'WRITER', 'OWNER'),
  canShare: fc.boolean(),
  canCompute: fc.boolean(),
});
const perhaps = fc.option(rights);
const allowed = (held: Rights, current: Rights | null, wanted: Rights | null) =>
  grantProblem(held, 'a@b.c', current, wanted) === undefined;

/** What each of them may do, written out apart from the rule. */
function powers(of: Rights): Set<string> {
  const { role, canShare, canCompute } = of;
  const held = new Set(['read']);
  if (role !== 'READER') held.add('write');
  if (role === 'OWNER') held.add('own').add('share').add('compute');
  if (canShare) held.add('share');
  if (canCompute && role !== 'READER') held.add('compute');
  return held;
}

const isWithin = (some: Set<string>, all: Set<string>) => [...some].every((power) => all.has(power));

describe('rights', () => {
  it('are ordered by what they allow', () => {
    fc.assert(
      fc.property(rights, rights, (one, other) => {
        expect(includes(one, other)).toBe(isWithin(powers(other), powers(one)));
      }),
    );
  });

  it('are a partial order', () => {
    fc.assert(
      fc.property(rights, rights, rights, (a, b, c) => {
        expect(includes(a, a)).toBe(true);
        if (includes(a, b) && includes(b, c)) expect(includes(a, c)).toBe(true);
        if (includes(a, b) && includes(b, a)) expect(effective(a)).toEqual(effective(b));
      }),
    );
  });

  it('are given and taken only by who may share, and only within what he holds', () => {
    fc.assert(
      fc.property(rights, perhaps, perhaps, (held, current, wanted) => {
        const within = (some: Rights | null) => some === null || isWithin(powers(some), powers(held));
        expect(allowed(held, current, wanted)).toBe(powers(held).has('share') && within(current) && within(wanted));
      }),
    );
  });

  it('are never raised by their own holder, in however many steps', () => {
    fc.assert(
      fc.property(rights, fc.array(rights, { maxLength: 8 }), (start, steps) => {
        let held = start;
        for (const wanted of steps) if (allowed(held, held, wanted)) held = wanted;
        expect(includes(start, held)).toBe(true);
      }),
    );
  });

  it('never rise above the highest of a company that shares among itself', () => {
    const move = fc.tuple(fc.nat(3), fc.nat(3), perhaps);
    fc.assert(
      fc.property(
        fc.array(rights, { minLength: 4, maxLength: 4 }),
        fc.array(move, { maxLength: 12 }),
        (start, moves) => {
          const people: (Rights | null)[] = [...start];
          const most = new Set(start.flatMap((one) => [...powers(one)]));
          for (const [giver, taker, wanted] of moves) {
            const held = people[giver] ?? null;
            if (held !== null && allowed(held, people[taker] ?? null, wanted)) people[taker] = wanted;
          }
          for (const one of people) if (one !== null) expect(isWithin(powers(one), most)).toBe(true);
        },
      ),
    );
  });

  it('asked for with flags left out are never more than the giver holds, nor more than was there', () => {
    fc.assert(
      fc.property(rights, perhaps, rights, (held, current, { role }) => {
        const asked = rightsAsked({ role }, current, held);
        expect(asked.role).toBe(role);
        if (role !== 'OWNER') {
          if (asked.canCompute)
            expect(powers(held).has('compute') || powers(current ?? asked).has('compute')).toBe(true);
          if (asked.canShare) expect(current?.canShare).toBe(true);
        }
        expect(rightsAsked(asked, current, held)).toEqual(asked);
      }),
    );
  });

  test.each([
    ['OWNER', false, true],
    ['WRITER', true, true],
    ['READER', true, true],
    ['WRITER', false, false],
    ['READER', false, false],
  ] as const)('%s with can share %s may share: %s', (role, canShare, may) => {
    expect(shareProblem({ role, canShare, canCompute: true }) === undefined).toBe(may);
  });
});

describe('an e-mail address', () => {
  test.each([
    ['ada@example.org', 'ada@example.org'],
    ['  Ada.Lovelace@Example.ORG\n', 'ada.lovelace@example.org'],
    ["o'hara+lab@xn--bcher-kva.example", "o'hara+lab@xn--bcher-kva.example"],
    ['root@localhost', 'root@localhost'],
  ])('%j is %j', (typed, address) => {
    expect(EmailAddress.parse(typed)).toBe(address);
  });

  test.each([
    '',
    ' ',
    'ada',
    '@example.org',
    'ada@',
    'ada@@example.org',
    'ada@example.org, bob@example.org',
    'Ada <ada@example.org>',
    'ada lovelace@example.org',
    'ada@exa mple.org',
    'ada@-example.org',
    'ada@example..org',
    'ada@example.org.',
    'аda@example.org', // a Cyrillic letter
    'ａｄａ@example.org',
    'ada@example.org\u200b',
    'a\u0301da@example.org',
    '\u212aevin@example.org', // the Kelvin sign, whose lower case is k
    'ad\u0131@example.org', // a dotless i
    'ada@b\u00fccher.example',
    'ada\0@example.org',
    'ada\n@example.org',
    'javascript:alert(1)@example.org',
    '"ada"@example.org',
    `${'a'.repeat(65)}@example.org`,
    `a@${'b'.repeat(64)}.org`,
    `a@${'b.'.repeat(130)}org`,
  ])('%j is none', (typed) => {
    expect(EmailAddress.safeParse(typed).success).toBe(false);
  });

  it('is looked at in no time, however long it is', () => {
    for (const part of ['a', 'a.', 'a@', '-', ' ', 'a-']) {
      expect(EmailAddress.safeParse(part.repeat(500_000)).success).toBe(false);
    }
  });
});
