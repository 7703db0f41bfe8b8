import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseTopic, serialDoubt, serialProblem, type TopicKind, topicOf } from '../../../src/protocol/topics.js';
import { anyText } from '../../helpers/any-text.js';

test.each([
  ['services', 'thing/product/7CT/services'],
  ['services_reply', 'thing/product/7CT/services_reply'],
  ['events', 'thing/product/7CT/events'],
  ['events_reply', 'thing/product/7CT/events_reply'],
  ['state', 'thing/product/7CT/state'],
  ['osd', 'thing/product/7CT/osd'],
  ['status', 'sys/product/7CT/status'],
] satisfies [TopicKind, string][])('%s is %s, there and back', (kind, topic) => {
  expect(topicOf(kind, '7CT')).toBe(topic);
  expect(parseTopic(topic)).toEqual({ kind, serial: '7CT' });
});

test.each([
  '',
  'thing/product/7CT',
  'thing/product//events',
  'thing/product/7CT/events/more',
  'thing/product/7CT/status',
  'sys/product/7CT/events',
  '/thing/product/7CT/events',
  'other/thing/product/7CT/events',
  'thing/product/7CT/constructor',
])('%j is no topic of ours', (topic) => {
  expect(parseTopic(topic)).toBeNull();
});

test.each(['', 'a/b', 'a+', '#', 'a b', 'a\u0000', 'a\tb', 'a\u00a0b', '\u0085', 'x'.repeat(129), 'a\ud800'])(
  'a serial %j is refused',
  (pid) => {
    expect(serialProblem(pid)).toEqual(expect.any(String));
  },
);

test.each(['7CTDM3D00B0001', 'a', 'x'.repeat(128), 'dock-1_2', 'док'])('a serial %j is taken', (pid) => {
  expect(serialProblem(pid)).toBeNull();
});

test.each([
  ['a\u200b', 'an invisible character (U+200B)'],
  ['a\u200e', 'an invisible character (U+200E)'],
  ['a\u202e1', 'an invisible character (U+202E)'],
  ['a\u3164', 'an invisible character (U+3164)'],
  ['a\ufe0f', 'an invisible character (U+FE0F)'],
  ['a\u{e0100}', 'an invisible character (U+E0100)'],
  ['a\u2800', 'an invisible character (U+2800)'],
  ['a\uffff', 'an invisible character (U+FFFF)'],
  ['a\u3000b', 'white space (U+3000)'],
  ['a\u0007', 'a control character (U+0007)'],
  ['a/b', '"/" (U+002F)'],
])('of %j it is said what cannot be seen', (serial, shown) => {
  expect(serialProblem(serial)).toBe(`holds ${shown}, which cannot be part of a serial number`);
});

test('no default-ignorable or format character passes, and none is only doubted', () => {
  for (let code = 0; code <= 0x10ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const char = String.fromCodePoint(code);
    if (!/[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}\p{White_Space}]/u.test(char)) continue;
    if (serialProblem(`7C${char}X`) === null) throw new Error(`U+${code.toString(16)} passes`);
  }
});

test.each([
  ['7CTDM3D00B0001', null],
  ['7\u0421TX', '"\u0421" (U+0421)'],
  ['7CT\uff11', '"\uff11" (U+FF11)'],
  ['DÖCK', '"Ö" (U+00D6)'],
  ['7CT-1_2-3', '"-" (U+002D), "_" (U+005F)'],
  ['a.b:c!d', '"." (U+002E), ":" (U+003A), "!" (U+0021)'],
  ['a.b:c!d?e', '"." (U+002E), ":" (U+003A), "!" (U+0021), ...'],
])('%j is doubted for %s', (serial, shown) => {
  expect(serialProblem(serial)).toBeNull();
  expect(serialDoubt(serial)).toBe(
    shown === null ? null : `holds ${shown}, but a serial number has only A-Z, a-z and 0-9`,
  );
});

test('no serial that is taken changes the meaning of a topic', () => {
  fc.assert(
    fc.property(anyText(20), (pid) => {
      if (serialProblem(pid) !== null) return;
      for (const kind of ['services', 'events', 'status'] as const) {
        const topic = topicOf(kind, pid);
        expect(topic).not.toMatch(/[+#\u0000]/);
        expect(parseTopic(topic)).toEqual({ kind, serial: pid });
      }
    }),
  );
});
