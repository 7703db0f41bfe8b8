/** The errors for a connection that is given up. */
import { OtaError } from '../errors.js';
import { quoted } from '../text.js';

/** The broker was not reached again within `timeout` milliseconds. */
export function lostError(shown: string, timeout: number, reason: string): OtaError {
  return new OtaError(
    'broker_lost',
    `${shown} was lost and could not be reached again within ${timeout / 1000} s: ${reason}`,
    {
      hint: 'Upgrades that have started continue in the docks. When the broker is back, continue with dji-ota resume.',
    },
  );
}

/** Another client uses the same client id. */
export function takenOverError(shown: string, clientId: string): OtaError {
  return new OtaError('broker_lost', `another client connected to ${shown} with the client id ${quoted(clientId)}`, {
    hint: 'The same run was resumed elsewhere, or two programs use the same --client-id.',
  });
}

/** The broker accepts connections, but does not answer subscriptions. */
export function silentError(shown: string, timeout: number): OtaError {
  return new OtaError(
    'broker_lost',
    `${shown} accepts connections, but repeatedly did not answer a subscription within ${timeout / 1000} s`,
    { hint: 'Check the log of the broker. --connect-timeout sets how long to wait for an answer.' },
  );
}

/** The broker repeatedly breaks the connection over subscriptions. `wildcards`: wildcards were tried, too. */
export function fruitlessError(shown: string, wildcards = false): OtaError {
  return new OtaError(
    'broker_refused',
    `${shown} closes the connection whenever something is published or subscribed to`,
    {
      hint: `Some brokers do this if the user lacks the right (check the access rules and the log of the broker), others if there are too many subscriptions (${
        wildcards
          ? 'wildcards were tried as well: use --shard to take a part of the fleet'
          : '--subscribe wildcard needs only a few'
      }).`,
    },
  );
}
