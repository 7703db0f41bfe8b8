/** What does not go together in the settings of a connection. */
import { BrokerUrl } from '../../broker-url.js';
import { OtaError } from '../../errors.js';
import type { NamedProfile } from '../profiles/profile.js';
import type { MergedConnection } from './merged-connection.js';

/** @throws OtaError `usage` where the password of `profile` would go to a broker that it does not name. */
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

export function checkTls(merged: MergedConnection, caForFirmware: boolean): void {
  const { broker, ca, cert, key, insecure } = merged;
  if (!broker.value.tls) {
    const meaningless = { ...(caForFirmware ? {} : { ca }), cert, key, insecure };
    for (const [name, given] of Object.entries(meaningless)) {
      // What a profile keeps for its own TLS broker has no meaning for a plain one that was named for once.
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

export function checkLogin(merged: MergedConnection): void {
  const { username, userInUrl, mqttVersion } = merged;
  const secret = merged.password ?? merged.passwordFile ?? merged.passwordCommand;
  // MQTT 3.1.1 has no password without a user name [MQTT-3.1.2-22]; MQTT 5 has.
  if (!secret || username || userInUrl !== null || mqttVersion === '5') return;
  throw new OtaError('usage', `${secret.source} gives a password, but there is no user name`, {
    hint: 'Give --username, or set DJI_OTA_USERNAME. A password alone needs --mqtt-version 5.',
  });
}
