import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { generate } from 'mqtt-packet';
import { expect, it } from 'vitest';
import { openStream } from '../../../src/mqtt/stream/open.js';
import { readTarget } from '../../../src/mqtt/stream/target.js';
import { connection } from '../../helpers/broker-recorder.js';

it('hands out all messages of a read, ends the batch, and only then sends what the turn has written', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const order: string[] = [];
  const opened = openStream(readTarget(connection(`mqtt://127.0.0.1:${port}`)), {
    packet: 1000,
    onOversized() {},
    onBatch: (open) => void order.push(open ? 'begun' : 'ended'),
  });
  const [socket] = await once(server, 'connection');
  const { stream, frames } = opened;
  const below = stream._writev?.bind(stream);
  stream._writev = (parts, done) => {
    order.push(`sent ${Buffer.concat(parts.map(({ chunk }) => chunk)).toString('hex')}`);
    below?.(parts, done);
  };
  frames.deliver((topic) => {
    order.push(topic);
    // Like the MQTT client, which acknowledges what it has parsed itself.
    stream.write(Buffer.from('aa', 'hex'));
    return true;
  }, '3.1.1');
  const publish = (topic: string, messageId: number) =>
    generate({ cmd: 'publish', topic, payload: 'x', qos: 1, messageId, dup: false, retain: false });
  socket.write(Buffer.concat([publish('a', 1), publish('b', 2)]));
  const [sent] = await once(socket, 'data');
  expect(sent.toString('hex')).toBe('aaaa4002000140020002');
  expect(order).toEqual(['begun', 'a', 'b', 'ended', 'sent aaaa4002000140020002']);
  stream.destroy();
  server.close();
});
