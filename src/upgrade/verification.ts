/** What devices report of themselves while they are upgraded: the versions that verification waits for, and their models. */
import type { Clock } from '../clock.js';
import { createFleetFeed, type FleetFeed } from '../fleet/feed.js';
import type { BrokerMessage } from '../mqtt/broker.js';
import { modelName } from '../protocol/models.js';
import { parseTopic, topicOf } from '../protocol/topics.js';
import type { Verification } from './push.js';

/** Listens to the versions that devices report while they are upgraded. */
export function createVerification(clock: Clock, feed: FleetFeed = createFleetFeed(clock)): Verification {
  return {
    topics: (plan) => plan.devices.flatMap(({ sn }) => [topicOf('osd', sn), topicOf('state', sn)]),
    handle(message: BrokerMessage, report) {
      const serial = parseTopic(message.topic)?.serial ?? '';
      const before = feed.fleet.devices.get(serial)?.firmware_version?.at;
      feed.handle(message);
      const version = feed.fleet.devices.get(serial)?.firmware_version;
      // Only what was told just now, by the device itself: a retained version may be from before the upgrade.
      if (version && !message.retained && version.at !== before) report(serial, version.value);
    },
  };
}

/** Models and the versions that devices had first, for who looks on; filled as they are told. */
export function namesFrom(feed: FleetFeed): ReadonlyMap<string, { model: string | null; version: string | null }> {
  const names = new Map<string, { model: string | null; version: string | null }>();
  feed.onChange(({ serials, learned }) => {
    for (const serial of [...serials, ...learned]) {
      const record = feed.fleet.devices.get(serial);
      if (!record) continue;
      const known = names.get(serial);
      const model = record.model === null ? null : modelName(record.model);
      names.set(serial, { model, version: known?.version ?? record.firmware_version?.value ?? null });
    }
  });
  return names;
}
