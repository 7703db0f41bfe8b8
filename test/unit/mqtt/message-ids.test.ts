import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageIds } from '../../../src/mqtt/message-ids.js';

describe('messageIds', () => {
  it('never allocates an id that is in use, whatever is released', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 200 })), fc.array(fc.nat(300)), (reserved, steps) => {
        const ids = messageIds(reserved);
        const out = new Set(reserved);
        for (const step of steps) {
          if (step > 150 && out.size > 0) {
            const id = [...out][step % out.size] as number;
            ids.deallocate(id);
            out.delete(id);
            continue;
          }
          const id = ids.allocate() as number;
          expect(out.has(id)).toBe(false);
          expect(ids.getLastAllocated()).toBe(id);
          out.add(id);
        }
      }),
    );
  });

  it('starts again at 1 after 65535, and has none left when all are out', () => {
    const ids = messageIds();
    for (let id = 1; id <= 65_535; id++) expect(ids.allocate()).toBe(id);
    expect(ids.allocate()).toBeNull();
    ids.deallocate(7);
    expect(ids.allocate()).toBe(7);
  });

  it('gives the forced id once, and keeps reserved ids over a connect', () => {
    const ids = messageIds([1, 2]);
    ids.clear();
    ids.force(2);
    expect(ids.allocate()).toBe(2);
    expect(ids.allocate()).toBe(3);
    expect(ids.register(3)).toBe(false);
    expect(ids.register(4)).toBe(true);
  });
});
