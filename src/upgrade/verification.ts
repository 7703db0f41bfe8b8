/** Reads what devices report of themselves during a run: their models, and their versions before and after, for `--verify`. */
import type { Clock } from '../clock.js';
import { createFleetFeed, type FleetFeed } from '../fleet/feed.js';
import { live } from '../fleet/record.js';
import type { BrokerMessage } from '../mqtt/broker.js';
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
  /** The devices that the current message concerns: a dock also reports about its aircraft. */
  let changed: string[] = [];
  feed.onChange(({ serials, learned }) => {
    changed = [...serials, ...learned];
  });
  return {
    required,
    topics: ({ devices }) =>
      devices.flatMap(({ sn }) => (required ? [topicOf('osd', sn), topicOf('state', sn)] : [topicOf('state', sn)])),
    *heard({ devices }) {
      for (const { sn } of devices) {
        const record = feed.fleet.devices.get(sn);
        const version = live(record?.firmware_version);
        if (version !== null) yield { sn, version };
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
    handle(message: BrokerMessage, { report, reportState, reportModel }) {
      const serial = parseTopic(message.topic)?.serial ?? '';
      const known = feed.fleet.devices.get(serial);
      const before = { version: known?.firmware_version?.at, states: STATES.map((key) => known?.[key]?.at) };
      changed = [];
      feed.handle(message);
      for (const sn of changed) {
        const model = feed.fleet.devices.get(sn)?.model ?? null;
        if (model !== null && !message.retained) reportModel(sn, model);
      }
      const record = feed.fleet.devices.get(serial);
      // Retained messages do not count: their version may be from before the upgrade.
      if (!record || message.retained) return;
      const { firmware_version: version } = record;
      if (version && version.at !== before.version) report(serial, version.value);
      for (const [place, key] of STATES.entries()) {
        const state = record[key];
        if (state && state.at !== before.states[place]) reportState(serial, key, String(state.value));
      }
    },
  };
}
