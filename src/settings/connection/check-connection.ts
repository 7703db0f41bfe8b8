/** Checks for settings of a connection that contradict each other. */
import { BrokerUrl } from '../../broker-url.js';
import { OtaError } from '../../errors.js';
import type { NamedProfile } from '../profiles/profile.js';
import type { MergedConnection } from './merged-connection.js';

/** @throws OtaError `usage` if the password of `profile` would be sent to a broker that the profile does not name */
export function checkPasswordGoesHome(merged: MergedConnection, { name, values }: NamedProfile): void {
  const secret = merged.password ?? merged.passwordFile ?? merged.passwordCommand;
  const { broker } = merged;
  if (secret?.level !== 'profile' || broker.level === 'profile' || broker.level === 'default') return;
  const own = values.broker === undefined ? null : BrokerUrl.parse(values.broker);
  if (own?.isSameBroker(broker.value)) return;
  const home = own ? `for ${own.shown}` : 'and names no broker';
  throw new OtaError(
    'usage',
    `profile "${name}" has a password ${home}, but ${broker.source} names ${broker.value}: the password is not sent there`,
    {
      hint: `Use --profile none and give the password of that broker in DJI_OTA_PASSWORD or with --password-file, or ${
        own ? 'make a profile for it' : `name it in the profile: dji-ota config set --profile ${name} broker=URL`
      }.`,
    },
  );
}

/** @throws OtaError `usage` for TLS settings without TLS, or that contradict each other */
export function checkTls(merged: MergedConnection, caForFirmware: boolean): void {
  const { broker, ca, cert, key, insecure } = merged;
  if (!broker.value.tls) {
    const meaningless = { ...(caForFirmware ? {} : { ca }), cert, key, insecure };
    for (const [name, given] of Object.entries(meaningless)) {
      // TLS settings of a profile do not count against a plain broker that an option or the environment names.
      if (!given || (given.level === 'profile' && broker.level !== 'profile')) continue;
      const where = given.level === 'profile' ? `${given.source}: ${name}` : given.source;
      throw new OtaError('usage', `${where} needs TLS, and ${broker.value} does not use it`, {
        hint: `Use ${broker.value.scheme === 'ws' ? 'wss' : 'mqtts'}:// in the broker URL, or omit the option.`,
      });
    }
    if (!caForFirmware) merged.ca = null;
    merged.cert = merged.key = merged.insecure = null;
    return;
  }
  const [alone, missing] = cert && !key ? [cert, 'key'] : key && !cert ? [key, 'cert'] : [null, ''];
  if (alone) {
    throw new OtaError('usage', `${alone.source}: a client certificate needs its key, and --${missing} is not given`, {
      hint: 'Give --cert and --key together.',
    });
  }
}

/** @throws OtaError `usage` for a password without a user name, unless MQTT 5 is set */
export function checkLogin(merged: MergedConnection): void {
  const { username, userInUrl, mqttVersion } = merged;
  const secret = merged.password ?? merged.passwordFile ?? merged.passwordCommand;
  // MQTT 3.1.1 does not allow a password without a user name [MQTT-3.1.2-22]; MQTT 5 does.
  if (!secret || username || userInUrl !== null || mqttVersion === '5') return;
  throw new OtaError('usage', `${secret.source} gives a password, but there is no user name`, {
    hint: 'Give --username, or set DJI_OTA_USERNAME. A password alone needs --mqtt-version 5.',
  });
}
