/** Broker and network fail while the built program follows a run. Docks and a listener are connected to the broker directly. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Behavior } from '../../src/simulator/dock/behavior.js';
import { type CliProcess, type Workplace, workplace } from '../helpers/cli.js';
import { type Client, docksFor, listen, someDevices } from '../helpers/cli-docks.js';
import { jsonLines } from '../helpers/cli-events.js';
import { type Mosquitto, mosquittoAvailable, startMosquitto } from '../helpers/mosquitto.js';
import { startTcpProxy, type TcpProxy } from '../helpers/tcp-proxy.js';

/** Slow enough that a fault can hit each step. */
const STEADY: Partial<Behavior> = { download_seconds: 0.5, upgrade_seconds: 0.5, interval_ms: 25 };

const DOWNLOADING = /"step_key":"download_firmware"/;
const UPGRADING = /"step_key":"upgrade_firmware"/;
const FINISHED = /"event":"device_finished"/;

describe.skipIf(!mosquittoAvailable())('broker and network', () => {
  let broker: Mosquitto;
  let proxy: TcpProxy;
  let place: Workplace;
  let number = 0;
  beforeAll(async () => {
    // Sessions are saved at once, because they must survive a killed broker.
    const config = ['autosave_on_changes true', 'autosave_interval 1'];
    broker = (await startMosquitto({ persistence: true, config })) as Mosquitto;
    proxy = await startTcpProxy(broker.port);
    place = await workplace();
  });
  afterAll(async () => {
    await place?.close();
    await proxy?.stop();
    await broker?.stop();
  });

  interface Scene {
    devices: ReturnType<typeof someDevices>;
    seen: Client;
    push(url?: string, ...more: string[]): CliProcess;
    resume(...more: string[]): CliProcess;
    /** Whether every dock has sent its last event. */
    docksDone(): boolean;
    /** The ids of all requests for one device. */
    bids(sn: string): string[];
  }

  /** Two docks, the second at half the speed. Docks and listener reconnect to a broker that was away. */
  async function scene(run: (scene: Scene) => Promise<void>): Promise<void> {
    const devices = someDevices(2);
    const topics = devices.flatMap(({ pid }) => [`thing/product/${pid}/services`, `thing/product/${pid}/events`]);
    const client = (name: string) => ({ reconnectPeriod: 50, clean: false, clientId: `test-${name}-${++number}` });
    const seen = await listen(broker.url, topics, client('listener'));
    const endDocks = await docksFor(broker.url, devices, {
      behavior: STEADY,
      docks: [{ index: 1, behavior: { download_seconds: 1.1 } }],
      client: client('docks'),
    });
    const env = { DJI_OTA_HOME: `${place.folder}/home-${number}` };
    const manifest = await place.put(`fleet-${number}.json`, devices);
    const quick = ['--output', 'json', '--stall-timeout', '60s'];
    try {
      await run({
        devices,
        seen,
        push: (url = broker.url, ...more) =>
          place.spawn(['push', manifest, '--broker', url, ...quick, ...more], { env }),
        resume: (...more) => place.spawn(['resume', ...quick, ...more], { env }),
        docksDone: () =>
          devices.every(({ pid }) =>
            seen.seen.some(({ topic, text }) => topic === `thing/product/${pid}/events` && /"status":"ok"/.test(text)),
          ),
        bids: (sn) => seen.creates(sn).map((create) => String(create.bid)),
      });
    } finally {
      await endDocks();
      await seen.close();
    }
  }

  /** All docks ended well, and each got one upgrade, which was sent again, if at all, under the same id. */
  async function endedWell(program: CliProcess, { devices, bids }: Scene) {
    const lines = jsonLines(await program.ended);
    expect(lines.last).toMatchObject({ exit_code: 0, totals: { ok: devices.length } });
    for (const { sn } of devices) expect(new Set(bids(sn)).size, sn).toBe(1);
    return lines;
  }

  describe('mosquitto is stopped and started again', () => {
    it.each([
      ['during the download', DOWNLOADING],
      ['during the upgrade', UPGRADING],
      ['at the end', FINISHED],
    ])('%s', (_name, moment) =>
      scene(async (run) => {
        const program = run.push();
        await program.said(moment);
        await broker.restart();
        const lines = await endedWell(program, run);
        // At the end, the last event of the second dock may come before the broker stops.
        if (moment !== FINISHED) expect(lines.of('broker_lost')).toHaveLength(1);
        for (const { reason } of lines.of('broker_restored')) expect(reason).toBe(null);
        expect(lines.of('broker_restored')).toHaveLength(lines.of('broker_lost').length);
      }),
    );

    it('during the publish', () =>
      scene(async (run) => {
        const program = run.push();
        await run.seen.until(() => run.seen.creates().length > 0);
        await broker.restart();
        await endedWell(program, run);
      }));

    it('killed, not stopped', () =>
      scene(async (run) => {
        const program = run.push();
        await program.said(DOWNLOADING);
        await broker.kill();
        await program.said('"broker_lost"');
        await broker.restart();
        await endedWell(program, run);
      }));

    it('away for too long: exit 4, and a resume finds out how it ended', () =>
      scene(async (run) => {
        const program = run.push(broker.url, '--reconnect-timeout', '1s');
        await program.said(DOWNLOADING);
        await broker.kill();
        expect((await program.ended).code).toBe(4);
        await broker.restart();
        await endedWell(run.resume(), run);
      }));
  });

  describe('a network that', () => {
    const url = () => `mqtt://127.0.0.1:${proxy.port}`;
    beforeEach(() => {
      proxy.delay(0);
      proxy.blackHole(false);
      proxy.holdReplies(false);
      proxy.refuse(false);
    });

    it('cuts again and again', () =>
      scene(async (run) => {
        const program = run.push(url());
        for (const moment of [DOWNLOADING, UPGRADING, FINISHED]) {
          await program.said(moment);
          proxy.cut();
        }
        await endedWell(program, run);
      }));

    it('loses the acknowledgement of the publish: sent again under the same ids', () =>
      scene(async (run) => {
        const program = run.push(url());
        await run.seen.until(() => run.seen.creates().length > 0);
        proxy.holdReplies(true);
        proxy.cut();
        proxy.holdReplies(false);
        await endedWell(program, run);
      }));

    it('ends one direction', () =>
      scene(async (run) => {
        const program = run.push(url());
        await program.said(DOWNLOADING);
        proxy.halfClose();
        const lines = await endedWell(program, run);
        expect(lines.of('broker_restored')).toHaveLength(1);
      }));

    it('is slow', () =>
      scene(async (run) => {
        proxy.delay(150);
        await endedWell(run.push(url()), run);
      }));

    it('drops everything until the docks have ended', () =>
      scene(async (run) => {
        const program = run.push(url());
        await program.said(DOWNLOADING);
        proxy.blackHole(true);
        await run.seen.until(run.docksDone);
        proxy.blackHole(false);
        await endedWell(program, run);
      }));
  });

  describe.each(['5', '3.1.1'])('while the program is away, MQTT %s', (version) => {
    it('killed: the docks’ messages in between are delivered to the resume', () =>
      scene(async (run) => {
        const program = run.push(broker.url, '--mqtt-version', version);
        await program.said(/"percent":[1-9].*"step_key":"download_firmware"/);
        program.child.kill('SIGKILL');
        await program.ended;
        await run.seen.until(run.docksDone);
        const lines = await endedWell(run.resume(), run);
        expect(lines.of('device_finished').map(({ status }) => status)).toEqual(['ok', 'ok']);
        for (const { sn } of run.devices) expect(run.bids(sn)).toHaveLength(1);
      }));

    it.each([
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const)('%s: exit %i, and the resume ends as if it had never stopped', (signal, code) =>
      scene(async (run) => {
        const program = run.push(broker.url, '--mqtt-version', version);
        await program.said(DOWNLOADING);
        program.child.kill(signal);
        expect((await program.ended).code).toBe(code);
        await run.seen.until(run.docksDone);
        await endedWell(run.resume(), run);
        for (const { sn } of run.devices) expect(run.bids(sn)).toHaveLength(1);
      }),
    );
  });
});
