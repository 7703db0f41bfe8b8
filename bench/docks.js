/**
 * Many docks in one program. It takes each ota_create, and when all have come, replies to each and sends `messages` of progress
 * from every dock, in turn, as fast as the broker accepts them. QoS 0, so that only the receiver's speed counts. Arguments:
 * URL, number of docks, messages per dock; `wait` to wait for a signal to continue; messages of other gateways after each of
 * these. Prints `ready`, then when the first ota_create came and when the first progress was sent (milliseconds since 1970).
 */
import { once } from 'node:events';
import mqtt from 'mqtt';
import packets from 'mqtt-packet';

const [url, count, messages] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const foreign = Number(process.argv[6] ?? 0);
const jobs = [];
let strangers = 0;
let first = 0;
const client = mqtt.connect(url, { protocolVersion: 4 });
await once(client, 'connect');
await client.subscribeAsync('thing/product/+/services', { qos: 1 });
client.on('message', (topic, payload) => {
  first ||= Date.now();
  const { bid, tid } = JSON.parse(payload.toString());
  jobs.push({ pid: topic.split('/')[2], bid, tid });
  if (jobs.length === count) void answer();
});
console.log('ready');

async function answer() {
  // Written directly to the stream, in large pieces, so that the sender is not what is measured.
  const wire = client.stream;
  let block = [];
  let size = 0;
  // A message for many gateways is serialized once.
  let last = { message: null, payload: '' };
  const put = async (topic, message) => {
    if (last.message !== message) last = { message, payload: JSON.stringify(message) };
    const packet = packets.generate({ cmd: 'publish', topic, payload: last.payload, qos: 0 });
    block.push(packet);
    size += packet.length;
    if (size > 256 * 1024) await flush();
  };
  const flush = async () => {
    const going = wire.write(Buffer.concat(block));
    block = [];
    size = 0;
    if (!going) await once(wire, 'drain');
  };
  const progressOf = async (step) => {
    for (const { pid, bid } of jobs) {
      const message = progress(pid, bid, step);
      await put(`thing/product/${pid}/events`, message);
      for (let each = 0; each < foreign; each++) {
        // As long as our serial numbers, and as similar as real ones are.
        const other = pid.replace('7CTXN4A', each % 2 ? '7CTXN5A' : '8CTXN4A');
        await put(`thing/product/${other}/events`, message);
        strangers++;
      }
    }
  };
  for (const { pid, bid, tid } of jobs) {
    const data = { result: 0, output: { status: 'sent' } };
    await put(`thing/product/${pid}/services_reply`, { method: 'ota_create', bid, tid, timestamp: Date.now(), data });
  }
  if (process.argv[5] === 'wait') {
    await flush();
    await progressOf(1);
    await flush();
    // Wait until everything that was sent has arrived.
    await new Promise((done) => setTimeout(done, 1500));
    console.log('waiting');
    await once(process.stdin, 'data');
  }
  const flood = Date.now();
  for (let step = 1; step <= messages; step++) await progressOf(step);
  await flush();
  console.log(JSON.stringify({ first, flood, strangers }));
}

function progress(gateway, bid, step) {
  const last = step === messages;
  const percent = last ? 100 : Math.floor((step / messages) * 100);
  const output = {
    status: last ? 'ok' : 'in_progress',
    progress: {
      current_step: percent < 50 ? 1 : 2,
      percent,
      step_key: percent < 50 ? 'download_firmware' : 'upgrade_firmware',
    },
    ext: { rate: 5_123_456 },
  };
  const data = { result: 0, output };
  return { bid, data, gateway, method: 'ota_progress', need_reply: 0, tid: bid, timestamp: Date.now() };
}
