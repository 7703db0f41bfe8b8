/** Records the messages of a connection during a run. */
import type { Broker } from '../mqtt/broker.js';
import type { Recording } from '../recording/writer.js';
import type { Connect } from './context.js';

/** `connect` with all messages passed to a recording, which is complete on disk once the connection is closed. */
export function recorded(connect: Connect, open: () => Promise<Recording>): Connect {
  return async (events, signal) => {
    const recording = await open();
    const broker = await connect(
      {
        ...events,
        onMessage(message) {
          const { topic, payload, qos = 0, retained: retain } = message;
          const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
          recording.take({ direction: 'in', topic, qos, retain, payload: bytes });
          events.onMessage(message);
        },
      },
      signal,
    ).catch(async (error: unknown) => {
      await recording.close();
      throw error;
    });
    const own: Pick<Broker, 'publish' | 'close'> = {
      publish(topic, payload) {
        recording.take({ direction: 'out', topic, qos: 1, retain: false, payload });
        return broker.publish(topic, payload);
      },
      async close(how) {
        await broker.close(how);
        await recording.close();
      },
    };
    // Everything else is inherited from the broker, including its getters.
    return Object.assign(Object.create(broker) as Broker, own);
  };
}
