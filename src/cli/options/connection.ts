/** The options of every command that connects. Their values are checked when option, environment and profile are merged. */
import { CONNECTION_DEFAULTS, MQTT_VERSIONS, SUBSCRIBE_BY } from '../../settings/profiles/profile.js';
import { defineOptions } from './declaration.js';
import { duration } from './value-types.js';

const group = 'Connection';

export const CONNECTION = defineOptions({
  broker: {
    value: '<url>',
    group,
    help: 'broker URL: mqtt://, mqtts://, ws:// or wss://',
    defaultText: CONNECTION_DEFAULTS.broker,
    env: 'DJI_OTA_BROKER',
    merged: true,
    complete: 'brokers',
    everyday: `default: ${CONNECTION_DEFAULTS.broker}`,
  },
  username: {
    value: '<name>',
    group,
    help: 'user name at the broker; the password comes from DJI_OTA_PASSWORD, a file, the profile or a prompt',
    env: 'DJI_OTA_USERNAME',
    merged: true,
    everyday: 'password: DJI_OTA_PASSWORD, the profile or a prompt',
  },
  passwordFile: { value: '<path>', group, help: 'file that contains the password', complete: 'files' },
  ca: { value: '<path>', group, help: 'PEM file of the certificate authorities to trust', complete: 'files' },
  cert: { value: '<path>', group, help: 'PEM file of the client certificate', complete: 'files' },
  key: { value: '<path>', group, help: 'PEM file of the private key for --cert', complete: 'files' },
  insecure: { group, help: "do not verify the broker's certificate" },
  clientId: { value: '<id>', group, help: 'MQTT client id', defaultText: 'from the run, or random' },
  mqttVersion: {
    value: '<version>',
    group,
    choices: MQTT_VERSIONS,
    help: 'auto tries 5 first, then 3.1.1 if the broker refuses 5',
    defaultText: CONNECTION_DEFAULTS.mqttVersion,
  },
  connectTimeout: {
    value: '<duration>',
    group,
    help: 'how long to try to connect to the broker',
    defaultText: duration.show?.(CONNECTION_DEFAULTS.connectTimeout) ?? '',
  },
  reconnectTimeout: {
    value: '<duration>',
    group,
    help: 'how long to try to reconnect to a lost broker',
    defaultText: duration.show?.(CONNECTION_DEFAULTS.reconnectTimeout) ?? '',
  },
  subscribe: {
    value: '<way>',
    group,
    choices: SUBSCRIBE_BY,
    help: 'subscribe to the topics of each gateway, or to wildcards; auto uses wildcards for large fleets',
    defaultText: CONNECTION_DEFAULTS.subscribe,
  },
  profile: {
    value: '<name>',
    group,
    help: 'profile stored with dji-ota config; "none" uses no profile',
    defaultText: 'the current one',
    env: 'DJI_OTA_PROFILE',
    merged: true,
    complete: 'profiles',
    everyday: 'a connection stored with dji-ota config',
  },
});
