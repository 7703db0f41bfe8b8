/** Compares runs of whole fleets behind a mosquitto with the same in bare mqtt.js. */
import { join } from 'node:path';
import { fleet, follow, ours, theirs } from '../fleet.js';
import { byTurns, milliseconds, row } from '../measure.js';

/** Receives progress with each kind of output. */
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
      goal: ['least', output === 'bars' ? 0.85 : 0.8],
    }),
  );
}

/** The processor time (user and system, including the start) of whole runs, which a slow broker cannot hide. */
export async function costRows({ folder, broker, scale }) {
  const docks = fleet(folder, Math.round(2000 * scale));
  const messages = 60;
  const cost = (run) => async () => (await follow(run, docks, broker, messages)).cost;
  const [bare, printing, log, json] = await byTurns(5, [
    cost(theirs(docks)),
    cost(theirs(docks, true)),
    cost(ours(docks, 'log')),
    cost(ours(docks, 'json', ['--progress', '0'])),
  ]);
  const what = `processor time of ${docks.count * messages} events, ${docks.count} docks`;
  const than = (name, value) => `${name}: ${milliseconds(value)}`;
  const goal = ['most', 1.4];
  return [
    row({
      what: `${what}, \`--output log\``,
      ours: milliseconds(log),
      than: than('bare mqtt.js', bare),
      ratio: log / bare,
      goal,
    }),
    row({
      what: `${what}, \`--output json\`, every event printed`,
      ours: milliseconds(json),
      than: than('bare mqtt.js that prints each message', printing),
      ratio: json / printing,
      goal,
    }),
  ];
}

export async function reportRow({ folder, broker, scale }) {
  const docks = fleet(folder, Math.round(10_000 * scale));
  const cost = (more) => async () => (await follow(ours(docks, 'log', more), docks, broker, 20)).cost;
  const [without, renewed] = await byTurns(5, [cost([]), cost(['--report', join(folder, 'report.html')])]);
  return row({
    what: `\`.html\` report renewed as the run goes, ${docks.count} devices, processor time`,
    ours: milliseconds(renewed),
    than: `the run without it: ${milliseconds(without)}`,
    ratio: renewed / without,
    goal: ['most', 1.05],
  });
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
