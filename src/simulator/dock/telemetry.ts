/** The reports of a dock and its aircraft: state, osd and topology (PROTOCOL "What the device says of itself"). */
import { topicOf } from '../../protocol/topics.js';
import type { Condition } from './condition.js';
import type { DockMessage } from './messages.js';

/** A dock or an aircraft. */
export interface SimulatedDevice {
  sn: string;
  /** Model key, for example `3-2-0`. */
  model: string;
  firmware_version: string;
  /** 1 = a consistency upgrade is needed. */
  compatible_status: 0 | 1;
}

/** A dock and its aircraft at one moment. */
export interface Site {
  pid: string;
  dock: SimulatedDevice;
  aircraft: readonly SimulatedDevice[];
  condition: Condition;
}

/** The ids and time of one message. */
export interface Stamp {
  tid: string;
  bid: string;
  /** Milliseconds since 1970. */
  timestamp: number;
}

const message = (topic: string, body: object, qos: 0 | 1 = 1): DockMessage => ({
  topic,
  payload: JSON.stringify(body),
  qos,
  retain: false,
});

/** `update_topo`: the aircraft at this dock; an empty list while it is off or away. */
export function topology({ pid, dock, aircraft, condition }: Site, stamp: Stamp, away = false): DockMessage {
  const there = condition.aircraft_on && condition.paired && !away ? aircraft : [];
  const [domain = '3', type = '0', subType = '0'] = dock.model.split('-');
  return message(topicOf('status', pid), {
    ...stamp,
    method: 'update_topo',
    data: {
      domain,
      type: Number(type),
      sub_type: Number(subType),
      thing_version: '1.1.2',
      sub_devices: there.map((aircraft, place) => {
        const [domain = '0', type = '0', subType = '0'] = aircraft.model.split('-');
        return {
          sn: aircraft.sn,
          domain,
          type: Number(type),
          sub_type: Number(subType),
          index: String.fromCharCode(65 + place),
          thing_version: '1.1.2',
        };
      }),
    },
  });
}

/** `state` of one device: what has changed; after connecting, everything. */
export function stateOf(pid: string, sn: string, data: object, stamp: Stamp): DockMessage {
  return message(topicOf('state', sn), { ...stamp, gateway: pid, data });
}

/** What a device reports by `state`. */
export function versionsOf({ firmware_version, compatible_status }: SimulatedDevice) {
  return { firmware_version, compatible_status };
}

/** KB, as docks report it. */
const STORAGE = 62_914_560;
const UNKNOWN = 32_767;

/** One round of `osd`: the dock's is split into parts; each aircraft that is on sends its own. */
export function osd(
  { pid, dock, aircraft, condition: is }: Site,
  talkative: boolean,
  stamp: () => Stamp,
): DockMessage[] {
  const of = (sn: string, data: object) => message(topicOf('osd', sn), { ...stamp(), gateway: pid, data }, 0);
  const battery = is.battery_percent;
  const [first] = aircraft;
  const flies = is.flighttask_step_code === 1;
  const link = { '4g_link_state': is.four_g ? 1 : 0, link_workmode: is.four_g ? 1 : 0 };
  // An aircraft that is on reports the charge in its own osd.
  const charge = is.aircraft_on ? UNKNOWN : battery;
  const parts = [
    of(pid, {
      mode_code: is.mode_code,
      flighttask_step_code: is.flighttask_step_code,
      emergency_stop_state: is.emergency_stop ? 1 : 0,
      drone_in_dock: is.drone_in_dock ? 1 : 0,
      cover_state: is.drone_in_dock ? 0 : 1,
      // Only Dock 1 has push rods. A dock with a faulty push rod counts as one that has them.
      ...(dock.model === '3-1-0' || is.putter_state > 1 ? { putter_state: is.putter_state } : {}),
      ...(talkative ? versionsOf(dock) : {}),
    }),
    of(pid, {
      drone_charge_state: { state: battery < 100 && is.drone_in_dock ? 1 : 0, capacity_percent: battery },
      drone_battery_maintenance_info: {
        maintenance_state: is.battery_maintenance,
        heat_state: 0,
        batteries: [0, 1].map((index) => ({ index, capacity_percent: charge, voltage: UNKNOWN, temperature: UNKNOWN })),
      },
      sub_device:
        first && is.paired
          ? {
              device_sn: first.sn,
              device_model_key: first.model,
              device_online_status: is.aircraft_on ? 1 : 0,
              device_paired: 1,
            }
          : { device_online_status: 0, device_paired: 0 },
    }),
    of(pid, {
      network_state: { type: 2, quality: is.network_quality, rate: is.network_quality * 940 },
      wireless_link: { dongle_number: 0, sdr_link_state: is.aircraft_on && !is.four_g ? 1 : 0, ...link },
      storage: { total: STORAGE, used: Math.ceil((STORAGE * is.storage_percent) / 100) },
      media_file_detail: { remain_upload: is.storage_percent >= 95 ? 212 : 0 },
      temperature: 24.6,
      humidity: 51,
      rainfall: 0,
    }),
  ];
  if (!is.aircraft_on || !is.paired) return parts;
  const mode = is.mode_code === 3 ? UPGRADING : flies ? FLYING : STANDBY;
  const own = (each: SimulatedDevice) =>
    of(each.sn, {
      mode_code: mode,
      battery: { capacity_percent: battery },
      ...(talkative ? versionsOf(each) : {}),
    });
  return [...parts, ...aircraft.map(own)];
}

/** `mode_code` of an aircraft: standby, wayline flight, upgrading. */
const [STANDBY, FLYING, UPGRADING] = [0, 5, 13];
