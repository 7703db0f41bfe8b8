/** The ends of a connection that is not sought any longer. */
import { OtaError } from '../errors.js';
import { quoted } from '../text.js';

export function lostError(shown: string, timeout: number, reason: string): OtaError {
  return new OtaError('broker_lost', `${shown} was lost and not found again within ${timeout / 1000} s: ${reason}`, {
    hint: 'Upgrades that have begun go on in the docks. Once the broker is back, take the run up with dji-ota resume.',
  });
}

export function takenOverError(shown: string, clientId: string): OtaError {
  return new OtaError('broker_lost', `another client connected to ${shown} with the client id ${quoted(clientId)}`, {
    hint: 'The same run was taken up elsewhere, or two programs have one --client-id.',
  });
}

export function silentError(shown: string, timeout: number): OtaError {
  return new OtaError(
    'broker_lost',
    `${shown} takes connections, but did not answer a subscription within ${timeout / 1000} s, time after time`,
    { hint: 'Look into the log of the broker. --connect-timeout is how long an answer is waited for.' },
  );
}

/** `wildcards`: they were tried too. */
export function fruitlessError(shown: string, wildcards = false): OtaError {
  return new OtaError(
    'broker_refused',
    `${shown} closes the connection whenever something is published or subscribed to`,
    {
      hint: `Some brokers refuse so what the user has no right to (check the access rules and the log of the broker), others more subscriptions than they grant (${
        wildcards
          ? 'wildcards were tried as well: --shard takes a part of the fleet'
          : '--subscribe wildcard needs a handful'
      }).`,
    },
  );
}
