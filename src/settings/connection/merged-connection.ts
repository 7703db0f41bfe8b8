/** The settings of a connection once option, environment, profile and default have met. */

import type { BrokerUrl } from '../../broker-url.js';
import type { SubscribeBy } from '../../mqtt/broker.js';
import type { MqttVersion, PasswordCommand } from '../profiles/profile.js';

/** A value, and where it came from in the words of a message: `--ca`, `DJI_OTA_USERNAME`, `profile "site-a"`. */
export interface Sourced<T> {
  value: T;
  source: string;
  level: Level;
}
export type Level = 'option' | 'environment' | 'profile' | 'default';

/** The merged settings, with files still to be read and the password perhaps still to be asked for. */
export interface MergedConnection {
  broker: Sourced<BrokerUrl>;
  /** Null where the user stands in the URL of the broker, too. */
  username: Sourced<string> | null;
  /** Where the user that stands in the URL came from, where that one is used. */
  userInUrl: string | null;
  /** At most one of the three is given. */
  password: Sourced<string> | null;
  passwordFile: Sourced<string> | null;
  passwordCommand: Sourced<PasswordCommand> | null;
  ca: Sourced<string> | null;
  cert: Sourced<string> | null;
  key: Sourced<string> | null;
  insecure: Sourced<true> | null;
  clientId: string | null;
  mqttVersion: MqttVersion;
  /** Milliseconds. */
  connectTimeout: number;
  /** Milliseconds. */
  reconnectTimeout: number;
  subscribe: SubscribeBy;
}
