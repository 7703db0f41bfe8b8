/**
 * `examples/kubernetes`: checked with Kubernetes' own types and the rules of its API server, and run in pods like those of a
 * cluster.
 */
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Job, PodFailurePolicyRule } from 'kubernetes-types/batch/v1.js';
import type { ConfigMap, Pod, PodSpec } from 'kubernetes-types/core/v1.js';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { environment, workplace } from '../helpers/cli.js';
import { programShim } from '../helpers/shim.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = join(ROOT, 'examples/kubernetes');
const FILES = ['settings.yaml', 'canary.yaml', 'fleet.yaml', 'report.yaml', 'shell.yaml'];

type Resource = { apiVersion: string; kind: string };
/** As Kubernetes parses it: YAML 1.1, where 0400 is octal. */
const resources = (file: string, folder = FOLDER): Resource[] =>
  parseAllDocuments(readFileSync(join(folder, file), 'utf8'), { version: '1.1' }).map((each) => each.toJS());
const one = <T>(file: string) => resources(file)[0] as unknown as T;
const jobs = ['canary.yaml', 'fleet.yaml', 'report.yaml'].map((file) => [file, one<Job>(file)] as const);
const podSpec = (job: Job) => job.spec?.template.spec as PodSpec;

describe('the resources', () => {
  it('are of the types that Kubernetes has, with no other key', async () => {
    const types: Record<string, string> = { 'batch/v1 Job': 'batch/v1', v1: 'core/v1' };
    const lines = FILES.flatMap((file) => resources(file)).map((resource, index) => {
      const from = types[`${resource.apiVersion} ${resource.kind}`] ?? types[resource.apiVersion];
      const type = `import('kubernetes-types/${from}.js').${resource.kind}`;
      return `export const r${index}: ${type} = ${JSON.stringify(resource)};`;
    });
    // Check that an error is found.
    lines.push(
      '// @ts-expect-error',
      `export const wrong: import('kubernetes-types/batch/v1.js').JobSpec = { template: {}, completion: 4 };`,
    );
    const file = join(ROOT, 'dist', `kubernetes-${process.pid}.ts`);
    await writeFile(file, lines.join('\n'));
    try {
      const options = [
        '--noEmit',
        '--ignoreConfig',
        '--strict',
        '--module',
        'nodenext',
        '--skipLibCheck',
        '--types',
        '',
      ];
      const { status, stdout, stderr } = spawnSync('npx', ['tsc', ...options, file], { cwd: ROOT, encoding: 'utf8' });
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
    } finally {
      await rm(file);
    }
  });

  it.each(jobs)('%s: what the API server asks of a failure policy', (_, { spec }) => {
    const rules = spec?.podFailurePolicy?.rules ?? [];
    expect(spec?.template.spec?.restartPolicy).toBe('Never');
    expect(spec?.backoffLimitPerIndex === undefined || spec.completionMode === 'Indexed').toBe(true);
    if (rules.length > 0) expect(spec?.podReplacementPolicy).toBe('Failed');
    for (const { action, onExitCodes, onPodConditions } of rules) {
      expect(['Ignore', 'FailJob', 'FailIndex', 'Count']).toContain(action);
      if (action === 'FailIndex') expect(spec?.backoffLimitPerIndex).toBeGreaterThan(0);
      expect(onExitCodes === undefined).toBe((onPodConditions?.length ?? 0) > 0);
      const values = onExitCodes?.values ?? [1];
      expect(values).toEqual([...new Set(values)].sort((a, b) => a - b));
      expect(values).not.toContain(0);
    }
  });

  it.each([
    ...jobs.map(([file, job]) => [file, podSpec(job)] as const),
    ['shell.yaml', one<Pod>('shell.yaml').spec as PodSpec] as const,
  ])('%s: as little as can be, and what it mounts is there', (_, spec) => {
    const [container] = spec.containers;
    expect(spec).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(spec.securityContext?.runAsUser).toBeGreaterThan(0);
    expect(container).toMatchObject({
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      },
      resources: {
        requests: { cpu: expect.any(String), memory: expect.any(String) },
        limits: { memory: expect.any(String) },
      },
    });
    const volumes = spec.volumes?.map(({ name }) => name);
    expect(container?.volumeMounts?.map(({ name }) => name).sort()).toEqual(volumes?.sort());
    const names = resources('settings.yaml').map(
      ({ kind, metadata }: Resource & { metadata?: { name: string } }) => `${kind}/${metadata?.name}`,
    );
    for (const { configMapRef } of container?.envFrom ?? []) expect(names).toContain(`ConfigMap/${configMapRef?.name}`);
    for (const { persistentVolumeClaim } of spec.volumes ?? []) {
      if (persistentVolumeClaim) expect(names).toContain(`PersistentVolumeClaim/${persistentVolumeClaim.claimName}`);
    }
    const { data } = one<ConfigMap>('settings.yaml');
    const home = container?.volumeMounts?.find(({ name }) => name === 'state')?.mountPath;
    expect(data?.DJI_OTA_HOME).toBe(home);
  });

  it('judge each exit code as the documentation says', () => {
    const actionOf = (job: Job, code: number) => {
      const rules: PodFailurePolicyRule[] = job.spec?.podFailurePolicy?.rules ?? [];
      return rules.find(({ onExitCodes }) => onExitCodes?.values.includes(code))?.action ?? 'Count';
    };
    const text = readFileSync(join(ROOT, 'docs/kubernetes.md'), 'utf8');
    const rows = [...text.matchAll(/^\| ([\d, ]+?) *\|[^|]+\| (\w+) *\| (\w+) *\|$/gm)];
    const told = rows.flatMap(([, codes = '', canary, fleet]) =>
      codes.split(', ').map((code) => [Number(code), canary, fleet]),
    );
    const all = [1, 2, 3, 4, 5, 6, 7, 70, 130, 137, 143];
    expect(told.sort(([a], [b]) => Number(a) - Number(b))).toEqual(
      all.map((code) => [code, actionOf(one<Job>('canary.yaml'), code), actionOf(one<Job>('fleet.yaml'), code)]),
    );
  });

  it('canary and shards are the whole fleet', async () => {
    const place = await workplace();
    const end = await programShim(join(place.folder, 'bin', 'dji-ota'), ['--dry-run']);
    try {
      const all = Array.from({ length: 10 }, (_, index) => `AIR${index}`);
      const rows = all.map((sn, index) => `${sn},1.0,DOCK${index}`);
      const manifest = await place.put('fleet.csv', ['sn,product_version,pid', ...rows, ''].join('\n'));
      const { data } = one<ConfigMap>('settings.yaml');
      const planned = async (file: string, index: number) => {
        const [container] = podSpec(one<Job>(file)).containers;
        const own = Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value]));
        const ci = {
          ...data,
          ...own,
          CANARY: 'DOCK[01]',
          DJI_OTA_HOME: place.folder,
          JOB_COMPLETION_INDEX: String(index),
        };
        const env = environment(place.folder, { ...ci, PATH: `${place.folder}/bin:${process.env.PATH}` });
        const [shell = '', ...words] = container?.command ?? [];
        const script = (container?.args ?? [])
          .join(' ')
          .replace('/fleet/fleet.csv', manifest)
          .replace(/--password-file \S+/, '');
        const { stdout } = await promisify(execFile)(shell, [...words, script], { env });
        return [...new Set(stdout.match(/\bAIR\d\b/g) ?? [])];
      };
      expect((await planned('canary.yaml', 0)).sort()).toEqual(['AIR0', 'AIR1']);
      const completions = one<Job>('fleet.yaml').spec?.completions ?? 0;
      const parts = await Promise.all(Array.from({ length: completions }, (_, index) => planned('fleet.yaml', index)));
      expect(parts.flat().sort()).toEqual(all.slice(2));
      expect(parts.filter((part) => part.length === 0)).toEqual([]);
    } finally {
      end();
      await place.close();
    }
  });

  it('fleet.yaml: a shard for each index', () => {
    const { spec } = one<Job>('fleet.yaml');
    expect(spec?.completionMode).toBe('Indexed');
    expect(spec?.parallelism).toBeLessThanOrEqual(spec?.completions ?? 0);
    const parts = podSpec(one<Job>('fleet.yaml')).containers[0]?.env?.find(({ name }) => name === 'PARTS')?.value;
    expect(parts).toBe(String(spec?.completions));
  });
});
