/** Runs of whole fleets behind a mosquitto, against the same with bare mqtt.js. */
import { fleet, follow, ours, theirs } from '../fleet.js';
import { byTurns, milliseconds, row } from '../measure.js';

/** Receiving progress in each kind of output. */
export async function receivingRows({ folder, broker, scale }, outputs) {
  const docks = fleet(folder, Math.round(5000 * scale));
  const messages = 40;
  const rate = (time) => `${((docks.count * messages) / time).toFixed(0)} messages/ms`;
  const received = (run) => async () => (await follow(run, docks, broker, messages)).receiving;
  const [base, ...times] = await byTurns(5, [
    received(theirs(docks)),
    ...outputs.map((output) => received(ours(docks, output))),
  ]);
  return outputs.map((output, index) =>
    row({
      what: `receiving progress, ${docks.count} docks, \`--output ${output}\``,
      ours: rate(times[index]),
      than: `bare mqtt.js: ${rate(base)}`,
      ratio: base / times[index],
      goal: ['least', output === 'bars' ? 0.75 : 0.8],
    }),
  );
}

export async function wholeRunRow({ folder, broker, scale }) {
  const docks = fleet(folder, Math.round(10_000 * scale));
  const whole = (run) => async () => (await follow(run, docks, broker, 5)).whole;
  const [base, own] = await byTurns(5, [whole(theirs(docks)), whole(ours(docks))]);
  return row({
    what: `whole run, ${docks.count} docks, first publish to last end`,
    ours: milliseconds(own),
    than: `bare mqtt.js: ${milliseconds(base)}`,
    ratio: own / base,
    goal: ['most', 1.3],
  });
}

export async function memoryRow({ folder, broker, scale }) {
  const docks = fleet(folder, Math.round(40_000 * scale));
  const bytes = (run) => async () => (await follow(run, docks, broker, 2, { heap: true })).bytes;
  const [base, own] = await byTurns(3, [bytes(theirs(docks)), bytes(ours(docks))], { warm: false });
  const mega = (value) => `${(value / 1e6).toFixed(1)} MB`;
  return row({
    what: `memory at ${docks.count} devices, kilobytes a device above bare mqtt.js`,
    ours: mega(own),
    than: `bare mqtt.js: ${mega(base)}`,
    ratio: (own - base) / docks.count / 1000,
    goal: ['most', 1],
    note: 'heap after a full collection, medians of 3',
  });
}

export async function growthRow({ folder, broker, scale }) {
  const small = fleet(folder, Math.round(5000 * scale));
  const large = fleet(folder, Math.round(40_000 * scale));
  const each = (docks) => async () => (await follow(ours(docks), docks, broker, 10)).whole / docks.count;
  const [few, many] = await byTurns(5, [each(small), each(large)]);
  const micro = (value) => `${(value * 1000).toFixed(0)} µs a device`;
  return row({
    what: `growth from ${small.count} to ${large.count} devices, time a device`,
    ours: micro(many),
    than: `${small.count} devices: ${micro(few)}`,
    ratio: many / few,
    goal: ['most', 1.1],
  });
}
