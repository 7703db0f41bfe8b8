/** What devices report of themselves during a run: versions before and after, which verification waits for, and their models. */
import type { Clock } from '../clock.js';
import { createFleetFeed, type FleetFeed } from '../fleet/feed.js';
import { live } from '../fleet/record.js';
import type { BrokerMessage } from '../mqtt/broker.js';
import { modelName } from '../protocol/models.js';
import { parseTopic, topicOf } from '../protocol/topics.js';
import type { Verification } from './push.js';

/**
 * Listens to the versions that devices report. `required`: a verification waits for them, so that `osd` and `state` have to be
 * granted; else `state` alone, which comes on change, where the broker grants it.
 */
export function createVerification(
  clock: Clock,
  feed: FleetFeed = createFleetFeed(clock),
  required = true,
): Verification {
  return {
    required,
    topics: ({ devices }) =>
      devices.flatMap(({ sn }) => (required ? [topicOf('osd', sn), topicOf('state', sn)] : [topicOf('state', sn)])),
    *heard({ devices }) {
      for (const { sn } of devices) {
        const record = feed.fleet.devices.get(sn);
        const version = live(record?.firmware_version);
        if (version !== null) yield { sn, version, model: record?.model ?? null };
      }
    },
    handle(message: BrokerMessage, report) {
      const serial = parseTopic(message.topic)?.serial ?? '';
      const before = feed.fleet.devices.get(serial)?.firmware_version?.at;
      feed.handle(message);
      const version = feed.fleet.devices.get(serial)?.firmware_version;
      // Only what was told just now, by the device itself: a retained version may be from before the upgrade.
      if (version && !message.retained && version.at !== before) {
        report(serial, version.value, feed.fleet.devices.get(serial)?.model);
      }
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
