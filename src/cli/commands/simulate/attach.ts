/** Attaches simulated docks to the user's own broker, on which there may be real docks and other users. */
import type { Connect } from '../../../app/context.js';
import { OtaError, toOtaError } from '../../../errors.js';
import type { Broker } from '../../../mqtt/broker.js';
import { parseTopic } from '../../../protocol/topics.js';
import { quoted, safeText } from '../../../text.js';
import type { Play, Stand } from './plays.js';

/** Real serial numbers do not begin with this, so no message is sent in the name of a device that may exist. */
const MARK = 'SIM';

/** Runs docks on another broker. @throws OtaError `usage` for other serial numbers; those of a connection */
export async function attach(
  play: Play,
  connect: Connect,
  signal: AbortSignal,
  warn: (code: string, message: string) => void,
): Promise<Stand> {
  const other = play.docks.flatMap(({ pid, aircraft }) => [pid, ...aircraft]).find((sn) => !sn.startsWith(MARK));
  if (other !== undefined) {
    throw new OtaError('usage', `simulated device ${quoted(safeText(other, 64))} may be a real device on that broker`, {
      hint: `With --broker, serial numbers must begin with ${MARK}: those of --docks do, and those of a recording made with --anonymize.`,
    });
  }
  let receive = (_topic: string, _payload: Uint8Array) => {};
  let isGone: (error: Error) => void = () => {};
  const gone = new Promise<never>((_, reject) => {
    isGone = reject;
  });
  // It is awaited later, and may reject before.
  gone.catch(() => {});
  const broker: Broker = await connect(
    {
      onMessage: ({ topic, payload, retained }) => {
        // A retained request is not a new one.
        if (!retained) receive(topic, payload);
      },
      onLost: (reason) => warn('broker_lost', `connection to the broker lost, reconnecting: ${reason}`),
      onRestored: () => warn('broker_restored', 'connection to the broker restored'),
      onGone: isGone,
    },
    signal,
  );
  const denied = new Set<string>();
  const connection = {
    subscribe: (topics: readonly string[]) => broker.subscribe(topics),
    async publish(topic: string, payload: string | Buffer) {
      const { kind, serial } = parseTopic(topic) ?? {};
      // An upgrade may name a device of another dock.
      if (!serial?.startsWith(MARK)) return;
      await broker.publish(topic, payload.toString()).catch((error: unknown) => {
        if (kind !== undefined && !denied.has(kind) && toOtaError(error).code === 'broker_refused') {
          denied.add(kind);
          warn('topic_denied', `a dock may not publish to ${safeText(topic)}: ${toOtaError(error).message}`);
        }
        throw error;
      });
    },
  };
  try {
    const docks = await play.attach(connection);
    receive = docks.receive;
    return {
      urls: [broker.url],
      gone,
      async close() {
        docks.stop();
        await broker.close();
      },
    };
  } catch (error) {
    await broker.close();
    throw error;
  }
}
