/**
 * A whole run with bare mqtt.js: subscribes, publishes an ota_create to every gateway, and parses each message until as many
 * have ended. Arguments: URL, file with the gateways' serial numbers as JSON, `print` to print each message.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import mqtt from 'mqtt';

const [url, file, print] = process.argv.slice(2);
const pids = JSON.parse(readFileSync(file, 'utf8'));
const client = mqtt.connect(url, { protocolVersion: 5, reconnectPeriod: 0 });
let left = pids.length;
client.on('message', (_topic, payload) => {
  const message = JSON.parse(payload.toString());
  if (print) console.log(JSON.stringify(message));
  if (message.method !== 'ota_progress' || message.data.output.status !== 'ok') return;
  if (--left === 0) client.end();
});
client.on('connect', async () => {
  for (let at = 0; at < pids.length; at += 100) {
    const topics = pids
      .slice(at, at + 100)
      .flatMap((pid) => [`thing/product/${pid}/services_reply`, `thing/product/${pid}/events`]);
    await client.subscribeAsync(topics, { qos: 1 });
  }
  for (let at = 0; at < pids.length; at += 100) await Promise.all(pids.slice(at, at + 100).map(create));
});

function create(pid) {
  const device = { sn: pid, product_version: '10.02.03.01', firmware_upgrade_type: 3 };
  const ids = { timestamp: Date.now(), bid: randomUUID(), tid: randomUUID() };
  const request = { method: 'ota_create', ...ids, data: { devices: [device] } };
  return client.publishAsync(`thing/product/${pid}/services`, JSON.stringify(request), { qos: 1 });
}
