/** `examples/kubernetes`, run in pods like those of a cluster: roll-out, eviction, and too many failures. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Job } from 'kubernetes-types/batch/v1.js';
import type { ConfigMap } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { shardGateways } from '../../src/manifest/select.js';
import { environment, type Workplace, workplace } from '../helpers/cli.js';
import { type Client, docksFor, FAST, listen, someDevices } from '../helpers/cli-docks.js';
import { type ClusterOptions, type JobRun, runJob } from '../helpers/cluster.js';
import { type Mosquitto, mosquittoAvailable, startMosquitto } from '../helpers/mosquitto.js';
import { podsPossible } from '../helpers/pod.js';

const FOLDER = fileURLToPath(new URL('../../examples/kubernetes', import.meta.url));
const FILES = ['settings.yaml', 'canary.yaml', 'fleet.yaml', 'report.yaml', 'roll-out.sh'];

/** As Kubernetes parses it: YAML 1.1. */
const resources = (file: string, folder = FOLDER) =>
  parseAllDocuments(readFileSync(join(folder, file), 'utf8'), { version: '1.1' }).map((each) => each.toJS());

describe.skipIf(!podsPossible || !mosquittoAvailable())('the Jobs in pods', () => {
  const login = { username: 'ota', password: 'wörd with spaces' };
  let broker: Mosquitto;
  let place: Workplace;
  let kube: string;
  let options: ClusterOptions;
  let seen: Client;
  let devices: ReturnType<typeof someDevices>;
  const ends: (() => Promise<unknown>)[] = [];
  const running = new Map<string, JobRun & { end: string | null }>();

  beforeAll(async () => {
    broker = (await startMosquitto({ password: login })) as Mosquitto;
    place = await workplace();
    const { folder } = place;
    for (const name of ['fleet', 'secret', 'pods', 'bin']) await mkdir(join(folder, name));
    devices = someDevices(10);
    const rows = devices.map(({ sn, pid }) => `${sn},10.02.03.01,${pid}`);
    await place.put('fleet/fleet.csv', ['sn,product_version,pid', ...rows, ''].join('\n'));
    // The way a secret is mounted: symbolic links to files of root, readable for the group of the pod.
    await mkdir(join(folder, 'secret/..2026_11_27'));
    const secret = await place.put('secret/..2026_11_27/password', `${login.password}\n`);
    await chmod(secret, 0o440);
    await chown(secret, 0, 10001);
    await symlink('..2026_11_27', join(folder, 'secret/..data'));
    await symlink('..data/password', join(folder, 'secret/password'));
    // The files of the example; those of the fleet with one more option.
    kube = await mkdtemp(join(tmpdir(), 'dji-ota-kube-'));
    for (const name of FILES) {
      await writeFile(join(kube, name), await readFile(join(FOLDER, name)));
    }
    seen = await listen(broker.url, ['thing/product/+/services'], login);
    ends.push(seen.close);
  });
  afterAll(async () => {
    for (const { pods } of running.values()) for (const pod of pods) pod.signal('SIGKILL');
    for (const end of ends) await end();
    await broker?.stop();
    await place?.close();
    await rm(kube, { recursive: true, force: true });
  });

  /**
   * A volume as Kubernetes passes it to a pod with `fsGroup`. The names were used before, so the run does not listen for an
   * earlier attempt.
   */
  async function volume(rollout: string): Promise<ClusterOptions> {
    const claim = join(place.folder, `claim-${rollout}`);
    const runs = join(claim, 'state/runs');
    await mkdir(runs, { recursive: true });
    for (const name of ['canary', '1', '2', '3', '4'].map((part) =>
      part === 'canary' ? `${rollout}-canary` : `${rollout}.${part}-of-4`,
    )) {
      await writeFile(join(runs, `${name}.jsonl`), '');
      await chown(join(runs, `${name}.jsonl`), 10001, 10001);
    }
    for (const each of [runs, join(claim, 'state')]) await chown(each, 10001, 10001);
    await chown(claim, 0, 10001);
    await chmod(claim, 0o2775);
    const { data = {} } = resources('settings.yaml')[0] as ConfigMap;
    const [first] = devices;
    const settings = { ...data, DJI_OTA_BROKER: broker.url, ROLLOUT: rollout, CANARY: first?.pid ?? '' };
    const volumes = {
      'configMap/fleet': join(place.folder, 'fleet'),
      'secret/mqtt': join(place.folder, 'secret'),
      'claim/dji-ota': claim,
    };
    return { folder: join(place.folder, 'pods'), configMaps: { 'dji-ota': settings }, volumes };
  }

  async function docks(behavior: Parameters<typeof docksFor>[2]): Promise<void> {
    ends.push(await docksFor(broker.url, devices, { telemetry: 200, client: login, ...behavior }));
  }

  /** `kubectl`, as far as roll-out.sh uses it. */
  function kubectl([verb, ...words]: string[]): { code: number; out: string } {
    const name = words.map((word) => word.replace('job/', '')).find((word) => running.has(word));
    if (verb === 'apply') {
      for (const resource of resources(words.at(-1) ?? '', kube) as unknown as Job[]) {
        const job = String(resource.metadata?.name);
        if (resource.kind !== 'Job' || running.has(job)) continue;
        const run: JobRun & { end: string | null } = Object.assign(runJob(resource, options), { end: null });
        running.set(job, run);
        void run.ended.then((end) => {
          run.end = end;
        });
      }
      return { code: 0, out: '' };
    }
    const run = running.get(name ?? '');
    if (verb === 'delete') running.delete(name ?? '');
    if (verb === 'get') return { code: 0, out: run?.end ? `SuccessCriteriaMet ${run.end}` : '' };
    return {
      code: run || words.includes('--ignore-not-found') ? 0 : 1,
      out: verb === 'logs' ? (run?.log() ?? '') : '',
    };
  }

  /** roll-out.sh, with that kubectl in its PATH. */
  async function rollOut() {
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      response.end(JSON.stringify(kubectl(JSON.parse(body))));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const ask = `fetch('http://127.0.0.1:${port}',{method:'POST',body:JSON.stringify(process.argv.slice(1))})
      .then((r)=>r.json()).then(({code,out})=>{process.stdout.write(out);process.exitCode=code})`;
    await chmod(await place.put('bin/kubectl', `#!/bin/sh\nexec '${process.execPath}' -e "${ask}" -- "$@"\n`), 0o755);
    const env = environment(place.folder, { PATH: `${join(place.folder, 'bin')}:${process.env.PATH}`, POLL: '0.1' });
    const child = spawn('sh', [join(kube, 'roll-out.sh')], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        said += text;
      });
    }
    const [code] = await once(child, 'close');
    server.close();
    return { code, said };
  }

  const sent = (from = 0) =>
    seen
      .creates()
      .slice(from)
      .map(({ data }) => String(data.devices[0]?.sn));

  it('canary, fleet and report; a shard whose node is drained continues in another pod; each dock gets one request', async () => {
    options = await volume('night');
    await docks({ behavior: { ...FAST, download_seconds: 1 } });
    const going = rollOut();
    await seen.until(() => sent().length > 1);
    const fleet = running.get('dji-ota-fleet') as JobRun;
    expect(sent()[0]).toBe(devices[0]?.sn);
    // Evict the pod that published first.
    const index = await Promise.race(fleet.pods.map((pod, each) => pod.said('published for').then(() => each)));
    fleet.evict(index);
    const { code, said } = await going;
    const logs = [...running.values()].map((run) => run.log()).join('');
    expect({ code, logs: code === 0 ? '' : logs }).toEqual({ code: 0, logs: '' });
    expect(fleet.codes[index]).toEqual([143, 0]);
    expect(sent().sort()).toEqual(devices.map(({ sn }) => sn).sort());
    expect(said).toContain('10 devices: ✔ 10 ok');
    // Volume and secret are as Kubernetes makes them, and nothing in the pod could change their modes.
    expect(logs).not.toContain('chmod');
    const report = JSON.parse(await readFile(join(options.volumes['claim/dji-ota'] ?? '', 'night.json'), 'utf8'));
    expect(report.runs.map(({ run }: { run: string }) => run).sort()).toEqual(
      ['night-canary', 'night.1-of-4', 'night.2-of-4', 'night.3-of-4', 'night.4-of-4'].sort(),
    );
    expect(existsSync(join(options.volumes['claim/dji-ota'] ?? '', 'night.html'))).toBe(true);
  });

  it('a shard with too many failures (6) ends the whole Job, and the report shows it', async () => {
    running.clear();
    for (const end of ends.splice(1)) await end();
    options = await volume('bad');
    const before = sent().length;
    const [, ...others] = devices;
    // The first docks of one shard fail, the others take long.
    const part = shardGateways(others as never, { index: 2, of: 4 }).map(({ pid }) => pid);
    expect(part.length).toBeGreaterThan(1);
    const slow = others
      .filter(({ pid }) => !part.includes(pid))
      .map(({ pid }) => ({ pid, behavior: { download_seconds: 600 } }));
    const failing = part.map((pid) => ({
      pid,
      behavior: { end: 'failed' as const, end_percent: 10, end_result: 312704 },
    }));
    await docks({ docks: [...slow, ...failing] });
    const fleet = join(kube, 'fleet.yaml');
    await writeFile(fleet, (await readFile(fleet, 'utf8')).replace('--max-failures 3 ', ''));
    const { code, said } = await rollOut();
    expect(code).toBe(1);
    const codes = (running.get('dji-ota-fleet') as JobRun).codes;
    // A process that did not listen to signals yet is killed after the grace period.
    expect(codes.map(([code]) => (code === 137 ? 143 : code))).toEqual([143, 6, 143, 143]);
    // Nothing was started after that: only the canary, and the first wave of each shard.
    expect(sent(before).length).toBeLessThan(devices.length);
    expect(said).toContain('dji-ota-fleet: Failed');
    expect(said).toContain('312704');
  }, 120_000);
});
