/** Reads what devices report of themselves during a run: their models, and their versions before and after, for `--verify`. */
import type { Clock } from '../clock.js';
import { createFleetFeed, type FleetFeed } from '../fleet/feed.js';
import { live } from '../fleet/record.js';
import type { BrokerMessage } from '../mqtt/broker.js';
import { modelName } from '../protocol/models.js';
import { parseTopic, topicOf } from '../protocol/topics.js';
import type { Verification } from './push.js';

const STATES = ['compatible_status', 'psdk_version'] as const;

/**
 * Creates the listener for device reports. `required`: `--verify` needs the versions, so `osd` and `state` must be granted.
 * Otherwise it uses `state` only, which is sent on change, if the broker grants it.
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
      // Retained messages do not count: their version may be from before the upgrade.
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
 * Models and first versions of the devices, for displays; filled as they are reported. A dock reports its model when it
 * connects, perhaps days ago, so `models` has the model keys of earlier runs, by serial number.
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
