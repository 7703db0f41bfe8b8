/** Allocates the packet ids of one connection. */
import type { IClientOptions } from 'mqtt';

type Provider = NonNullable<IClientOptions['messageIdProvider']>;

const LAST = 0xffff;

/** The id provider that mqtt.js uses. */
export interface MessageIds extends Provider {
  /**
   * Sets the id that the next `allocate` returns. A message that is sent again in the same session keeps its id (MQTT 5 section
   * 4.4).
   */
  force(id: number): void;
}

/**
 * Creates a provider.
 * @param reserved ids of messages of an earlier connection that will be sent again
 */
export function messageIds(reserved: Iterable<number> = []): MessageIds {
  const used = new Set(reserved);
  let last = 0;
  let forced: number | null = null;
  return {
    allocate() {
      if (forced !== null) {
        last = forced;
        forced = null;
        return last;
      }
      if (used.size >= LAST) return null;
      let id = last;
      do id = id >= LAST ? 1 : id + 1;
      while (used.has(id));
      used.add(id);
      last = id;
      return id;
    },
    getLastAllocated: () => last,
    register(id) {
      if (used.has(id)) return false;
      used.add(id);
      return true;
    },
    deallocate: (id) => void used.delete(id),
    // mqtt.js clears at every connect, but the reserved ids must stay.
    clear() {},
    force(id) {
      forced = id;
      used.add(id);
    },
  };
}
