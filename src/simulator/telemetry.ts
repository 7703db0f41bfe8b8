/** What a dock and its aircraft say of themselves: state, osd and topology (PROTOCOL "What the device says of itself"). */
import { topicOf } from '../protocol/topics.js';
import type { Behavior } from './behavior.js';
import type { DockMessage } from './messages.js';

/** A dock or an aircraft. */
export interface SimulatedDevice {
  sn: string;
  /** Model key, e.g. `3-2-0`. */
  model: string;
  firmware_version: string;
  /** 1 = a consistency upgrade is needed. */
  compatible_status: 0 | 1;
}

/** What telemetry shows of a dock at one moment. */
export interface Condition {
  pid: string;
  dock: SimulatedDevice;
  aircraft: readonly SimulatedDevice[];
  upgrading: boolean;
  behavior: Behavior;
}

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

/** `update_topo`: the aircraft at this dock; none while it is away. */
export function topology(condition: Condition, stamp: Stamp, away = false): DockMessage {
  const there = condition.behavior.aircraft_online && !away ? condition.aircraft : [];
  const [domain = '3', type = '0', subType = '0'] = condition.dock.model.split('-');
  return message(topicOf('status', condition.pid), {
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

/** `state` of one device, as it comes on change. */
export function stateOf(condition: Condition, device: SimulatedDevice, stamp: Stamp): DockMessage {
  return message(topicOf('state', device.sn), {
    ...stamp,
    gateway: condition.pid,
    data: {
      firmware_version: device.firmware_version,
      compatible_status: device.compatible_status,
      firmware_upgrade_status: condition.upgrading ? 1 : 0,
    },
  });
}

/** One round of `osd`: the dock's comes in parts, each aircraft has its own. */
export function osd(condition: Condition, stamp: () => Stamp): DockMessage[] {
  const { behavior, dock, pid } = condition;
  const part = (data: object) => message(topicOf('osd', pid), { ...stamp(), gateway: pid, data }, 0);
  const battery = behavior.battery_percent;
  const aircraft = condition.aircraft[0];
  const parts = [
    part({
      mode_code: condition.upgrading ? 3 : behavior.mode_code,
      emergency_stop_state: behavior.emergency_stop ? 1 : 0,
      drone_in_dock: behavior.drone_in_dock ? 1 : 0,
      cover_state: behavior.drone_in_dock ? 0 : 1,
      putter_state: behavior.drone_in_dock ? 0 : 1,
      firmware_version: dock.firmware_version,
      compatible_status: dock.compatible_status,
    }),
    part({
      drone_charge_state: { state: battery < 100 && behavior.drone_in_dock ? 1 : 0, capacity_percent: battery },
      sub_device: aircraft
        ? {
            device_sn: aircraft.sn,
            device_model_key: aircraft.model,
            device_online_status: behavior.aircraft_online ? 1 : 0,
            device_paired: 1,
          }
        : { device_online_status: 0, device_paired: 0 },
    }),
    part({ network_state: { type: 2, quality: 5, rate: 4.7 }, temperature: 24.6, humidity: 51, rainfall: 0 }),
  ];
  if (!behavior.aircraft_online) return parts;
  for (const each of condition.aircraft) {
    parts.push(
      message(
        topicOf('osd', each.sn),
        {
          ...stamp(),
          gateway: pid,
          data: {
            mode_code: 0,
            firmware_version: each.firmware_version,
            compatible_status: each.compatible_status,
            battery: { capacity_percent: battery },
          },
        },
        0,
      ),
    );
  }
  return parts;
}
