/** The settings of a connection after merging option, environment, profile and default. */

import type { BrokerUrl } from '../../broker-url.js';
import type { SubscribeBy } from '../../mqtt/broker.js';
import type { MqttVersion, PasswordCommand } from '../profiles/profile.js';

/** A value and its source, as named in messages: `--ca`, `DJI_OTA_USERNAME`, `profile "site-a"`. */
export interface Sourced<T> {
  value: T;
  source: string;
  level: Level;
}
/** The kind of a source, in order of precedence. */
export type Level = 'option' | 'environment' | 'profile' | 'default';

/** The merged settings. Files have not been read yet, and the password may still have to be asked for. */
export interface MergedConnection {
  broker: Sourced<BrokerUrl>;
  /** Also null if the URL of the broker contains the user name. */
  username: Sourced<string> | null;
  /** The source of the user name in the URL, if that one is used. */
  userInUrl: string | null;
  /** At most one of these three is set. */
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
