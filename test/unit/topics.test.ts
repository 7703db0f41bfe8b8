import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseTopic, pidProblem, type TopicKind, topicOf } from '../../src/protocol/topics.js';
import { anyText } from '../helpers/any-text.js';

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
  'a gateway serial %j is refused',
  (pid) => {
    expect(pidProblem(pid)).toEqual(expect.any(String));
  },
);

test.each(['7CTDM3D00B0001', 'a', 'x'.repeat(128), 'dock-1_2', 'док'])('a gateway serial %j is taken', (pid) => {
  expect(pidProblem(pid)).toBeNull();
});

test('no serial that is taken changes the meaning of a topic', () => {
  fc.assert(
    fc.property(anyText(20), (pid) => {
      if (pidProblem(pid) !== null) return;
      for (const kind of ['services', 'events', 'status'] as const) {
        const topic = topicOf(kind, pid);
        expect(topic).not.toMatch(/[+#\u0000]/);
        expect(parseTopic(topic)).toEqual({ kind, serial: pid });
      }
    }),
  );
});
