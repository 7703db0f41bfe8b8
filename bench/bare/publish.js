/**
 * Connects, subscribes and publishes one ota_create, which is the least that `push` of one device must do. Arguments: URL,
 * manifest.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import mqtt from 'mqtt';

const [url, manifest] = process.argv.slice(2);
const [{ pid, ...device }] = JSON.parse(readFileSync(manifest, 'utf8'));
const client = mqtt.connect(url, { protocolVersion: 5, reconnectPeriod: 0 });
client.on('connect', () => {
  const topics = [`thing/product/${pid}/services_reply`, `thing/product/${pid}/events`];
  client.subscribe(topics, { qos: 1 }, () => {
    const request = {
      method: 'ota_create',
      timestamp: Date.now(),
      bid: randomUUID(),
      tid: randomUUID(),
      data: { devices: [device] },
    };
    client.publish(`thing/product/${pid}/services`, JSON.stringify(request), { qos: 1 });
  });
});
