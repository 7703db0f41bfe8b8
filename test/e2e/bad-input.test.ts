/** Bad input is reported completely, with the right exit code, and nothing is published. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AedesServer, startAedes } from '../helpers/aedes.js';
import { type CliResult, type Workplace, workplace } from '../helpers/cli.js';
import { type Client, listen } from '../helpers/cli-docks.js';
import { jsonLines } from '../helpers/cli-events.js';
import { fileStore, type Store, type StoreOptions } from '../helpers/firmware-server.js';

const BODY = Buffer.alloc(300_000, 'firmware ');
const MD5 = createHash('md5').update(BODY).digest('hex');
const GOOD = { sn: '1581F8HGX24B00A1', pid: '7CTXN4A00B0001', product_version: '17.02.05.01' };

describe('bad input', { concurrent: true }, () => {
  let broker: AedesServer;
  let observer: Client;
  let place: Workplace;
  let good: string;
  const stores: Store[] = [];
  beforeAll(async () => {
    place = await workplace();
    good = await place.put('good.json', [GOOD]);
    broker = await startAedes();
    observer = await listen(broker.url, ['#']);
  });
  afterAll(async () => {
    for (const store of stores) await store.close();
    await observer?.close();
    await broker?.stop();
    await place?.close();
  });

  /** Runs push with JSON lines, and checks that it exits with `code` and has published nothing. */
  async function refused(
    code: number,
    manifest: string,
    ...more: string[]
  ): Promise<CliResult & { details: string[] }> {
    const result = await place.run(['push', manifest, '--broker', broker.url, '--output', 'json', ...more]);
    expect(result.code, result.stderr).toBe(code);
    const { all, of, last } = jsonLines(result);
    expect(of('error')).toHaveLength(1);
    expect(all.at(-2)).toMatchObject({ event: 'error', exit_code: code });
    expect(last.devices.every(({ status }) => status === 'not_started')).toBe(true);
    expect(observer.seen).toEqual([]);
    expect(result.stderr).not.toMatch(/^\s+at /m);
    return { ...result, details: of('error').flatMap(({ details, message }) => [message, ...details]) };
  }

  async function store(options: Partial<StoreOptions> = {}): Promise<string> {
    const started = await fileStore({ body: BODY, ...options });
    stores.push(started);
    return started.url;
  }

  it('names a manifest that is not there', async () => {
    const { stderr } = await refused(2, 'nowhere.json');
    expect(stderr).toMatch(/nowhere\.json/);
    expect(stderr).toMatch(/no such file/);
  });

  it('says where a manifest stops to be JSON', async () => {
    const manifest = await place.put('broken.json', '{\n  "devices": [\n    {"sn": "A1",, }\n  ]\n}\n');
    const { stderr } = await refused(2, manifest);
    expect(stderr).toMatch(/broken\.json/);
    expect(stderr).toMatch(/line 3|:3/);
  });

  it('names the device and the key of every entry that is wrong', async () => {
    const wrong: [object, RegExp][] = [
      [{ ...GOOD, product_vershun: '1' }, /product_vershun.*product_version/],
      [{ ...GOOD, file_url: 'http://127.0.0.1/a.zip', md5: 'abc' }, /md5/],
      [{ ...GOOD, file_url: 'ftp://127.0.0.1/a.zip' }, /file_url/],
      [{ pid: GOOD.pid }, /product_version/],
      [{ ...GOOD, pid: 'a/b' }, /pid.*"\/"/],
      [{ ...GOOD, pid: 'a+b' }, /pid.*"\+"/],
      [{ ...GOOD, pid: '#' }, /pid.*"#"/],
      [{ product_version: '1' }, /pid/],
    ];
    const entries = wrong.map(([entry], at) => ({ ...entry, sn: `WRONG${at}` }));
    const { details, stderr } = await refused(2, await place.put('entries.json', [{ ...GOOD }, ...entries]));
    for (const [at, [, message]] of wrong.entries()) {
      const said = details.filter((one) => one.includes(`WRONG${at}`));
      expect(said).toEqual([expect.stringMatching(message)]);
    }
    expect(stderr).toContain('entries.json');
  });

  it('names every error of a manifest at once, with device and key', async () => {
    const manifest = await place.put(
      'three.yaml',
      [
        '- {pid: 7CTXN4A00B0001, product_version: "1"}',
        `- {sn: ${GOOD.sn}, pid: 7CTXN4A00B0001, version: "1", md5: zz, url: "http://127.0.0.1/x.zip"}`,
        `- {sn: ${GOOD.sn}, pid: 7CTXN4A00B0001, version: "1"}`,
        '- {sn: B2, pid: "a+b", version: "1"}',
      ].join('\n'),
    );
    const { details } = await refused(2, manifest);
    expect(details).toHaveLength(5);
    expect(details.filter((one) => /device 1\b.*sn/.test(one))).toHaveLength(1);
    expect(details.filter((one) => one.includes(GOOD.sn) && one.includes('md5'))).toHaveLength(1);
    expect(
      details.filter((one) => one.includes(GOOD.sn) && /same|duplicate|already|twice|also the sn of/.test(one)),
    ).toHaveLength(1);
    expect(details.filter((one) => one.includes('B2') && one.includes('pid'))).toHaveLength(1);
  });

  it.each([
    ['--pid', 'a/b'],
    ['--type', 'nightly'],
    ['--waves', '10,5'],
    ['--concurrency', '0'],
    ['--retries', '-1'],
    ['--max-failures', 'x'],
    ['--timeout', 'soon'],
    ['--shard', '3/2'],
    ['--preflight', 'maybe'],
    ['--serve', 'nothing'],
    ['--only', 'NOBODY*'],
  ])('refuses %s %s before anything else', async (option, value) => {
    const { stderr } = await refused(2, good, `${option}=${value}`);
    expect(stderr).toContain(option);
  });

  it('says which option it does not know', async () => {
    const { stderr } = await refused(2, 'x.json', '--wave', '1');
    expect(stderr).toMatch(/unknown option "--wave"/);
    expect(stderr).toMatch(/--waves/);
  });

  it('does not send firmware with another MD5, size, or version than the manifest says', async () => {
    const file_url = await store();
    const wrongMd5 = await place.put('md5.json', [{ ...GOOD, file_url, md5: 'f'.repeat(32) }]);
    expect((await refused(3, wrongMd5)).details.join()).toMatch(new RegExp(`${MD5}`));
    const wrongSize = await place.put('size.json', [{ ...GOOD, file_url, file_size: 5 }]);
    expect((await refused(3, wrongSize)).details.join()).toMatch(/300000|300,000/);
  });

  it('ends with 3 where the firmware is not to be had', async () => {
    const missing = await store({
      before: (_, response) => {
        response.writeHead(404).end();
        return true;
      },
    });
    const manifest = await place.put('404.json', [{ ...GOOD, file_url: `${missing}?signature=s3cr3t` }]);
    const { stderr, details } = await refused(3, manifest);
    expect(details.join()).toMatch(/404/);
    expect(stderr).not.toContain('s3cr3t');

    const closed = await fileStore({ body: BODY });
    await closed.close();
    const nobody = await place.put('closed.json', [{ ...GOOD, file_url: closed.url }]);
    expect((await refused(3, nobody)).details.join()).toMatch(/refused/);

    const noFile = await place.put('nofile.json', [{ ...GOOD, file: 'gone.zip', file_url: 'http://127.0.0.1/x.zip' }]);
    expect((await refused(3, noFile)).details.join()).toMatch(/gone\.zip/);
  });

  it('ends with 3 where the server breaks off half-way', async () => {
    const file_url = await store({ cutAfter: () => 1000, ranges: false, etag: null });
    const { details } = await refused(3, await place.put('half.json', [{ ...GOOD, file_url }]));
    expect(details.join()).toMatch(/firmware\.zip/);
    // It is retried several times, with a growing wait.
  }, 90_000);
});
