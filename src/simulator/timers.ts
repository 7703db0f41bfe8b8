import type { Clock } from '../clock.js';

/** Milliseconds. Waits are rounded up to whole slots, so that a large fleet shares its timers. */
const SLOT = 10;

/**
 * A clock for many docks: waits are divided by `speed`, and all waits in one slot share a timer of `base`. `cancelAll` cancels
 * every wait.
 */
export function sharedClock(base: Clock, speed = 1): Clock & { cancelAll(): void } {
  const slots = new Map<number, { waits: Set<{ run: () => void }>; cancel: () => void }>();
  const fire = (key: number) => {
    const slot = slots.get(key);
    slots.delete(key);
    // A wait that an earlier wait of its slot cancels has been removed from the set.
    for (const wait of slot?.waits ?? []) wait.run();
  };
  return {
    now: () => base.now() * speed,
    wall: () => base.wall(),
    after(ms, run) {
      const now = base.now();
      const key = Math.ceil((now + Math.max(0, ms) / speed) / SLOT) + (ms > 0 ? 0 : 1);
      let slot = slots.get(key);
      if (!slot) {
        slot = { waits: new Set(), cancel: base.after(key * SLOT - now, () => fire(key)) };
        slots.set(key, slot);
      }
      const { waits } = slot;
      const wait = { run };
      waits.add(wait);
      return () => void waits.delete(wait);
    },
    cancelAll() {
      for (const slot of slots.values()) {
        slot.cancel();
        slot.waits.clear();
      }
      slots.clear();
    },
  };
}
