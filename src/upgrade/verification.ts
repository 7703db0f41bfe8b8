/** What devices report of themselves during a run: versions before and after, which verification waits for, and their models. */
import type { Clock } from '../clock.js';
import { createFleetFeed, type FleetFeed } from '../fleet/feed.js';
import { live } from '../fleet/record.js';
import type { BrokerMessage } from '../mqtt/broker.js';
import { modelName } from '../protocol/models.js';
import { parseTopic, topicOf } from '../protocol/topics.js';
import type { Verification } from './push.js';

const STATES = ['compatible_status', 'psdk_version'] as const;

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
    *heardStates({ devices }) {
      for (const { sn } of devices) {
        for (const key of STATES) {
          const value = live<string | number>(feed.fleet.devices.get(sn)?.[key]);
          if (value !== null) yield { sn, key, value: String(value) };
        }
      }
    },
    handle(message: BrokerMessage, report, reportState) {
      const serial = parseTopic(message.topic)?.serial ?? '';
      const known = feed.fleet.devices.get(serial);
      const before = { version: known?.firmware_version?.at, states: STATES.map((key) => known?.[key]?.at) };
      feed.handle(message);
      const record = feed.fleet.devices.get(serial);
      // Only what was told just now, by the device itself: a retained version may be from before the upgrade.
      if (!record || message.retained) return;
      const { firmware_version: version, model } = record;
      if (version && version.at !== before.version) report(serial, version.value, model);
      for (const [place, key] of STATES.entries()) {
        const state = record[key];
        if (state && state.at !== before.states[place]) reportState(serial, key, String(state.value));
      }
    },
  };
}

/**
 * Models and the versions that devices had first, for who looks on; filled as they are told. A dock tells its model when it
 * connects, perhaps days ago: `models`, by serial number, are keys that were told to earlier commands.
 */
export function namesFrom(
  feed: FleetFeed,
  models: Iterable<readonly [serial: string, model: string | null]> = [],
): ReadonlyMap<string, { model: string | null; version: string | null }> {
  const names = new Map<string, { model: string | null; version: string | null }>();
  for (const [serial, model] of models)
    if (model !== null) names.set(serial, { model: modelName(model), version: null });
  feed.onChange(({ serials, learned }) => {
    for (const serial of [...serials, ...learned]) {
      const record = feed.fleet.devices.get(serial);
      if (!record) continue;
      const known = names.get(serial);
      const model = record.model === null ? (known?.model ?? null) : modelName(record.model);
      names.set(serial, { model, version: known?.version ?? record.firmware_version?.value ?? null });
    }
  });
  return names;
}
