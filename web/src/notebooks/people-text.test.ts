import { expect, test } from 'vitest';
import { peopleText } from './people-text.ts';

const person = (name: string) => ({ id: name.toLowerCase(), name });

test.each([
  [[], undefined],
  [['Ada'], 'Ada is here'],
  [['Me'], 'You are here'],
  [['Bob', 'Ada'], 'Ada and Bob are here'],
  [['Ada', 'Me'], 'You and Ada are here'],
  [['Bob', 'Ada', 'Me'], 'You, Ada and 1 other are here'],
  [['Cyd', 'Bob', 'Ada', 'Dan'], 'Ada, Bob and 2 others are here'],
])('%j', (names, text) => {
  expect(peopleText(names.map(person), 'me')).toBe(text);
});
