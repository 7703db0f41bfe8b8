/** `resume` of a push with `--serve`: the docks have URLs that must stay valid. */
import { appendFile, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AedesServer, startAedes } from '../helpers/aedes.js';
import { type Workplace, workplace } from '../helpers/cli.js';
import { type Client, docksFor, listen, someDevices } from '../helpers/cli-docks.js';
import { jsonLines } from '../helpers/cli-events.js';
import { md5Of } from '../helpers/firmware-tools.js';

const JSON_OUT = ['--output', 'json'];
const BODY = 'the bytes of a package';

describe('resume of a push with --serve', () => {
  let broker: AedesServer;
  let place: Workplace;
  let seen: Client;
  let endDocks: () => Promise<void>;
  let firmware: string;
  const devices = () => someDevices(2, { file: 'firmware.zip', md5: md5Of(Buffer.from(BODY)) });
  let fleet: ReturnType<typeof devices>;

  beforeAll(async () => {
    broker = await startAedes();
  });
  afterAll(() => broker?.stop());
  beforeEach(async () => {
    place = await workplace();
    fleet = devices();
    firmware = await place.put('firmware.zip', BODY);
    seen = await listen(broker.url, ['thing/product/+/services']);
    endDocks = await docksFor(broker.url, fleet);
  });
  afterEach(async () => {
    await endDocks();
    await seen.close();
    await place.close();
  });

  /** Kills a push while its first dock downloads, and returns the dock's URL. */
  async function killedPush(): Promise<string> {
    const manifest = await place.put('fleet.json', fleet);
    const serve = ['--serve', '127.0.0.1:0', '--concurrency', '1'];
    const program = place.spawn(['push', manifest, '--broker', broker.url, ...serve, ...JSON_OUT]);
    await program.said(/"step_key":"download_firmware"/);
    program.child.kill('SIGKILL');
    await program.ended;
    const url = urlOf(fleet[0]?.pid);
    await expect(fetch(url)).rejects.toThrow();
    return url;
  }

  const urlOf = (pid: string | undefined) => String(seen.creates(pid)[0]?.data.devices[0]?.file_url);

  it('serves the same files under the same URLs until its end, to those too that come after', async () => {
    const url = await killedPush();
    const program = place.start(['resume', ...JSON_OUT]);
    await program.said(`Serving again on ${new URL(url).origin}`);
    const rest = await fetch(url, { headers: { range: 'bytes=4-' } });
    expect([rest.status, await rest.text()]).toEqual([206, BODY.slice(4)]);
    await seen.until(() => seen.creates(fleet[1]?.pid).length > 0);
    const later = urlOf(fleet[1]?.pid);
    expect(new URL(later).origin).toBe(new URL(url).origin);
    expect(await (await fetch(later)).text()).toBe(BODY);
    expect(jsonLines(await program.ended).last).toMatchObject({ exit_code: 0, totals: { ok: 2 } });
    await expect(fetch(url)).rejects.toThrow();
  });

  it('publishes nothing of a file that has changed, until it is as it was', async () => {
    await killedPush();
    await appendFile(firmware, '!');
    const lines = jsonLines(await place.run(['resume', ...JSON_OUT]));
    expect(lines.of('warning').map(({ code }) => code)).toContain('not_served');
    expect(lines.last).toMatchObject({ totals: { ok: 1, not_started: 1 } });
    expect(seen.creates(fleet[1]?.pid)).toEqual([]);
    await writeFile(firmware, BODY);
    expect(jsonLines(await place.run(['resume', ...JSON_OUT])).last).toMatchObject({ exit_code: 0, totals: { ok: 2 } });
  });
});
