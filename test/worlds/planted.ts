/**
 * Faults that are planted between the shipped code and its world. Each must be found, because worlds that find nothing prove
 * nothing.
 */
import type { Disk } from '../../src/disk.js';
import { lineOf, readLine } from '../../src/journal/record.js';
import type { Machine } from '../../src/machine.js';
import type { Broker, BrokerEvents } from '../../src/mqtt/broker.js';
import { createdBid } from '../../src/protocol/messages.js';
import type { Emit, RunEvent } from '../../src/upgrade/events.js';
import type { LifeFacts } from './facts.js';
import type { Scene } from './scene.js';

/** Replaces what a life is given. */
export interface Planted {
  machine?(machine: Machine, life: LifeFacts): Machine;
  hears?(events: BrokerEvents, life: LifeFacts): BrokerEvents;
  speaks?(broker: Broker, life: LifeFacts): Broker;
  tells?(emit: Emit, life: LifeFacts): Emit;
  scene?(scene: Scene, life: LifeFacts): Scene;
}

const onDisk = (change: (disk: Disk) => Partial<Disk>): Planted => ({
  machine: (machine) => ({ ...machine, disk: { ...machine.disk, ...change(machine.disk) } }),
});
const onBroker = (change: (broker: Broker) => Partial<Broker>): Planted => ({
  speaks: (broker) => Object.assign(Object.create(broker) as Broker, change(broker)),
});
const onRollout = (change: Scene['settings']['rollout']): Planted => ({
  scene: (scene) => ({ ...scene, settings: { ...scene.settings, rollout: { ...scene.settings.rollout, ...change } } }),
});

export const PLANTED: Readonly<Record<string, { what: string; plant(): Planted }>> = {
  'publish-before-sync': {
    what: 'a job is published before its record is on the disk',
    plant: () =>
      onDisk((disk) => ({
        async fdatasync(fd) {
          void disk.fdatasync(fd).catch(() => {});
        },
      })),
  },
  'record-lost': {
    what: 'a resumed process does not see the jobs that were recorded last',
    plant: () =>
      onDisk((disk) => ({
        async *createReadStream(file, options) {
          for await (const block of disk.createReadStream(file, options))
            yield file.endsWith('.jsonl') ? withoutLastJob(block) : block;
        },
      })),
  },
  'lock-stolen': {
    what: 'a lease that another process holds is taken',
    plant: () =>
      onDisk((disk) => ({
        async link(from, to) {
          if (to.endsWith('.lock')) await disk.unlink(to).catch(() => {});
          await disk.link(from, to);
        },
        // And the previous holder does not check.
        openSync: (file, flags, mode) => disk.openSync(file, file.endsWith('.lock') ? 'a' : flags, mode),
      })),
  },
  'no-resubscription': {
    what: 'after a reconnect to a broker that kept no session, nothing is subscribed again',
    plant() {
      const asked = new Map<LifeFacts, string[]>();
      return {
        speaks: (broker, life) =>
          Object.assign(Object.create(broker) as Broker, {
            subscribe(topics: readonly string[]) {
              asked.set(life, [...(asked.get(life) ?? []), ...topics]);
              return broker.subscribe(topics);
            },
          }),
        hears: (events, life) => ({
          ...events,
          onRestored(info) {
            events.onRestored?.(info);
            if (!info.sessionPresent) void life.connection?.unsubscribe(asked.get(life) ?? []).catch(() => {});
          },
        }),
      };
    },
  },
  'ack-taken-twice': {
    what: 'one acknowledgement of the broker counts for every message in flight',
    plant() {
      const waiting = new Set<() => void>();
      return onBroker((broker) => ({
        publish: (topic, payload) =>
          new Promise((resolve, reject) => {
            waiting.add(resolve);
            broker.publish(topic, payload).then(() => {
              for (const each of waiting) each();
              waiting.clear();
            }, reject);
          }),
      }));
    },
  },
  'second-id': {
    what: 'a job whose acknowledgement is late is sent again under another id',
    plant: () => ({
      speaks: (broker, life) =>
        Object.assign(Object.create(broker) as Broker, {
          async publish(topic: string, payload: string) {
            await broker.publish(topic, payload);
            const bid = createdBid(payload);
            if (!topic.endsWith('/services') || bid === null || life.restoredAt === 0) return;
            await broker.publish(topic, payload.replaceAll(bid, `${bid.slice(0, -4)}ffff`));
          },
        }),
    }),
  },
  'half-a-pair': {
    what: 'of dock and aircraft, only the first is sent',
    plant: () =>
      onBroker((broker) => ({
        publish(topic, payload) {
          if (!topic.endsWith('/services')) return broker.publish(topic, payload);
          const message = JSON.parse(payload) as { data: { devices: unknown[] } };
          return broker.publish(
            topic,
            JSON.stringify({ ...message, data: { devices: message.data.devices.slice(0, 1) } }),
          );
        },
      })),
  },
  'percent-falls': {
    what: 'percent is reported as received, even if it falls back',
    plant: () => ({
      tells: (emit) => (event) =>
        emit(event.event === 'device_progress' && event.percent === 90 ? { ...event, percent: 1 } : event),
    }),
  },
  'end-over-end': {
    what: 'a second outcome of a device overwrites the first',
    plant: () => ({
      tells: (emit) => (event) => {
        emit(event);
        if (event.event === 'device_finished' && event.status === 'canceled')
          emit({ ...event, status: 'ok' } as RunEvent);
      },
    }),
  },
  'ok-without-word': {
    what: 'an accepted request counts as an upgraded device',
    plant: () => ({
      hears: (events) => ({
        ...events,
        onMessage(message) {
          const text = Buffer.from(message.payload).toString();
          const reply = message.topic.endsWith('/services_reply') && text.includes('"result":0');
          events.onMessage(message);
          if (!reply) return;
          const { bid, tid } = JSON.parse(text) as { bid: string; tid: string };
          const data = {
            result: 0,
            output: { status: 'ok', progress: { percent: 100, step_key: 'upgrade_firmware' } },
          };
          const payload = Buffer.from(JSON.stringify({ method: 'ota_progress', bid, tid, timestamp: 1, data }));
          events.onMessage({ ...message, topic: message.topic.replace('services_reply', 'events'), payload });
        },
      }),
    }),
  },
  'retained-is-live': {
    what: 'a retained message counts as a current report',
    plant: () => ({
      hears: (events) => ({ ...events, onMessage: (message) => events.onMessage({ ...message, retained: false }) }),
    }),
  },
  'wait-forgotten': {
    what: 'a resumed process does not wait for running upgrades',
    plant: () => ({
      machine(machine, life) {
        if (life.life.command === 'push') return machine;
        const { clock } = machine;
        // For the process, hours have passed.
        return {
          ...machine,
          clock: { ...clock, now: () => (life.begunAt === null ? clock.now() : clock.now() * 20 + 1e6) },
        };
      },
    }),
  },
  'readiness-ignored': {
    what: 'the run does not wait for docks that are not ready',
    plant: () => ({
      scene: (scene) => ({ ...scene, settings: { ...scene.settings, waitReady: undefined } }),
    }),
  },
  'readiness-forgotten': {
    what: 'a resumed process does not wait for docks that are not ready',
    plant: () =>
      onDisk((disk) => ({
        async *createReadStream(file, options) {
          for await (const block of disk.createReadStream(file, options))
            yield file.endsWith('.jsonl') ? withoutJudge(block) : block;
        },
      })),
  },
  'concurrency-ignored': { what: '--concurrency is not kept', plant: () => onRollout({ concurrency: undefined }) },
  'waves-ignored': { what: '--waves are not kept', plant: () => onRollout({ waves: undefined }) },
  'failures-ignored': { what: '--max-failures is not kept', plant: () => onRollout({ maxFailures: undefined }) },
  'session-dropped': {
    what: 'an interrupted run ends its session at the broker',
    plant: () => onBroker((broker) => ({ close: () => broker.close({ keepSession: false }) })),
  },
};

/** The block of a journal, whose plan does not say how readiness is judged. */
function withoutJudge(block: Buffer): Buffer {
  const lines = block.toString().split('\n');
  const changed = lines.map((line) => {
    const read = line.includes('"kind":"plan"') ? readLine(line) : null;
    if (!read) return line;
    const { n: _, crc: __, ...record } = read.record;
    const { judge: ___, ...left } = record.options as Record<string, unknown>;
    return lineOf({ ...record, options: left }, read.n).trimEnd();
  });
  return Buffer.from(changed.join('\n'));
}

/** The block of a journal, without its last `job_opened` and numbered as if that had never been. */
function withoutLastJob(block: Buffer): Buffer {
  const lines = block.toString().split('\n');
  const place = lines.findLastIndex((line) => line.includes('"type":"job_opened"'));
  if (place < 0) return block;
  const left = lines.flatMap((line, index) => {
    const read = readLine(line);
    if (index === place) return [];
    return read && index > place ? lineOf(read.record, read.n - 1).trimEnd() : line;
  });
  return Buffer.from(left.join('\n'));
}
