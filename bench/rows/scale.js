/** Measures one process with fleets of several sizes behind a mosquitto, and the cost of other gateways, for docs/scale.md. */
import { fleet, follow, ours, theirs } from '../fleet.js';
import { median, row } from '../measure.js';

const SIZES = [500, 5000, 20_000];
/** Progress messages per gateway. */
const MESSAGES = 20;
const FOREIGN = 20;

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

async function medians(rounds, run) {
  const values = [];
  for (let round = 0; round < rounds; round++) values.push(await run());
  return Object.fromEntries(Object.keys(values[0]).map((key) => [key, median(values.map((each) => each[key] ?? 0))]));
}

/** One run, with the processor time of the broker. */
async function measured(docks, broker, way, messages, foreign = 0) {
  const before = broker.cpu();
  const run = way === 'bare' ? theirs(docks) : ours(docks, 'json', ['--subscribe', way]);
  const result = await follow(run, docks, broker, messages, { foreign });
  return { ...result, broker: broker.cpu() - before };
}

export async function scaleRows({ folder, broker, scale }) {
  const rows = [];
  for (const size of SIZES) {
    const docks = fleet(folder, Math.round(size * scale));
    for (const way of ['gateways', 'wildcard', 'bare']) {
      const {
        start,
        receiving,
        cost,
        rss,
        broker: spent,
      } = await medians(3, () => measured(docks, broker, way, MESSAGES));
      const cells = [
        docks.count.toLocaleString('en'),
        way === 'bare' ? 'bare mqtt.js' : way,
        seconds(start),
        `${(Math.round((docks.count * MESSAGES) / receiving) * 1000).toLocaleString('en')}`,
        seconds(cost),
        `${(rss / 1000).toFixed(0)} MB`,
        seconds(spent),
      ];
      const [, , first, rate, own, memory, brokers] = cells;
      const ours = `first job after ${first}, ${rate} messages a second, processor time ${own}, ${memory}; broker ${brokers}`;
      const what = `${docks.count} gateways, ${cells[1]}`;
      rows.push({ what, ours, than: 'nothing to compare with', ratio: '', goal: '', met: true, note: '', cells });
    }
  }
  return rows;
}

/** A run that misses the end of one gateway does not exit with 0, which `follow` treats as an error. */
export async function foreignRow({ folder, broker, scale }) {
  const docks = fleet(folder, Math.round(20_000 * scale));
  const alone = await medians(3, () => measured(docks, broker, 'wildcard', MESSAGES / 2));
  const among = await medians(3, () => measured(docks, broker, 'wildcard', MESSAGES / 2, FOREIGN));
  return row({
    what: `${docks.count} gateways by wildcards among ${FOREIGN} foreign messages for each of theirs, processor time`,
    ours: seconds(among.cost),
    than: `without them: ${seconds(alone.cost)}`,
    ratio: among.cost / alone.cost,
    goal: ['most', 1.5],
    note: `medians of 3; peak memory ${(among.rss / 1000).toFixed(0)} MB, without them ${(alone.rss / 1000).toFixed(0)} MB; every gateway was followed to its end`,
  });
}
