/** Runs a Job like a cluster does: pods with their environment and volumes, failure policy, attempts, disruptions. */
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Job, PodFailurePolicyRule } from 'kubernetes-types/batch/v1.js';
import type { Container, PodSpec } from 'kubernetes-types/core/v1.js';
import { type Pod, type PodMount, startPod } from './pod.js';

export interface ClusterOptions {
  /** The folder for the roots of the pods. */
  folder: string;
  configMaps: Record<string, Record<string, string>>;
  /** Local folders for `configMap`, `secret` and `persistentVolumeClaim` volumes, by name. */
  volumes: Record<string, string>;
}

export interface JobRun {
  /** `Complete` or `Failed`. */
  ended: Promise<'Complete' | 'Failed'>;
  /** For each index, the exit codes of its pods. */
  codes: number[][];
  /** For each index, its current pod. */
  pods: Pod[];
  log(): string;
  /** Like draining its node: the pod gets a signal, and is marked as disrupted. */
  evict(index: number): void;
}

/** Milliseconds between two attempts. A cluster waits at least 10 s. */
const BACKOFF = 50;

export function runJob(job: Job, options: ClusterOptions): JobRun {
  const { spec } = job;
  if (!spec) throw new Error('a Job has a spec');
  const indexed = spec.completionMode === 'Indexed';
  const rules = spec.podFailurePolicy?.rules ?? [];
  const most = (indexed ? spec.backoffLimitPerIndex : undefined) ?? spec.backoffLimit ?? 6;
  const codes = Array.from({ length: spec.completions ?? 1 }, (): number[] => []);
  const pods: Pod[] = [];
  const logs: string[] = [];
  const disrupted = new Set<Pod>();
  let failed = false;

  const end = (pod: Pod) => {
    pod.signal('SIGTERM');
    const grace = setTimeout(
      () => pod.signal('SIGKILL'),
      (spec.template.spec?.terminationGracePeriodSeconds ?? 30) * 1000,
    );
    void pod.ended.then(() => clearTimeout(grace));
  };

  const start = async (index: number) => {
    const name = `${job.metadata?.name}${indexed ? `-${index}` : ''}`;
    const pod = await podOf(spec.template.spec as PodSpec, name, indexed ? index : null, options);
    pods[index] = pod;
    return pod;
  };

  const complete = async (index: number): Promise<boolean> => {
    for (let failures = 0; ; ) {
      const pod = await start(index);
      const code = await pod.ended;
      logs.push(pod.output);
      codes[index]?.push(code);
      if (code === 0) return true;
      const action = rules.find((rule) => matches(rule, code, disrupted.has(pod)))?.action ?? 'Count';
      if (action === 'FailJob') {
        failed = true;
        for (const other of pods) if (other !== pod) end(other);
      }
      if (failed || action === 'FailIndex') return false;
      if (action === 'Count' && ++failures > most) return false;
      await new Promise((resolve) => setTimeout(resolve, BACKOFF));
    }
  };

  return {
    ended: Promise.all(codes.map((_, index) => complete(index))).then((ends) =>
      ends.every(Boolean) ? 'Complete' : 'Failed',
    ),
    codes,
    pods,
    log: () => logs.join(''),
    evict(index) {
      const pod = pods[index] as Pod;
      disrupted.add(pod);
      end(pod);
    },
  };
}

/** The first rule that matches decides (kubernetes.io, "Pod failure policy"). */
function matches({ onExitCodes, onPodConditions }: PodFailurePolicyRule, code: number, disrupted: boolean): boolean {
  if (onPodConditions?.some(({ type }) => type === 'DisruptionTarget' && disrupted)) return true;
  return onExitCodes !== undefined && (onExitCodes.operator === 'In') === onExitCodes.values.includes(code);
}

async function podOf(spec: PodSpec, hostname: string, index: number | null, options: ClusterOptions): Promise<Pod> {
  const [container] = spec.containers as [Container];
  const work = await mkdtemp(join(options.folder, 'pod-'));
  await mkdir(join(work, 'root'));
  const env: Record<string, string> = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };
  for (const { configMapRef } of container.envFrom ?? [])
    Object.assign(env, options.configMaps[configMapRef?.name ?? '']);
  for (const { name, value } of container.env ?? []) env[name] = value ?? '';
  if (index !== null) env.JOB_COMPLETION_INDEX = String(index);
  const mounts = (container.volumeMounts ?? []).map(({ name, mountPath, readOnly }): PodMount => {
    const volume = spec.volumes?.find((each) => each.name === name);
    const source = volume?.configMap?.name ?? volume?.secret?.secretName ?? volume?.persistentVolumeClaim?.claimName;
    const kind = volume?.persistentVolumeClaim ? 'claim' : volume?.secret ? 'secret' : 'configMap';
    const from = options.volumes[`${kind}/${source}`];
    if (!from) throw new Error(`there is no ${kind} ${source}`);
    return { from, at: mountPath, readOnly: readOnly === true || kind !== 'claim' };
  });
  return startPod(work, {
    hostname,
    uid: spec.securityContext?.runAsUser ?? 0,
    gid: spec.securityContext?.runAsGroup ?? 0,
    env,
    mounts,
    command: [...(container.command ?? []), ...(container.args ?? [])],
  });
}
