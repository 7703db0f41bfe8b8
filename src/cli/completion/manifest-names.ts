/** Reads serial numbers and labels from a manifest that may have errors, because completion helps while it is being written. */
import { readLabels } from '../../manifest/device/labels.js';
import type { Labels } from '../../manifest/model.js';
import { parseJson } from '../../manifest/parse/json.js';
import { labelValues } from '../../manifest/select.js';
import { devicesOf } from '../../manifest/shape.js';
import { readSource } from '../../manifest/source.js';

interface ManifestNames {
  pids: string[];
  sns: string[];
  /** The values of each label. */
  labels: Map<string, Set<string>>;
}

/** The most suggestions. */
const MOST = 500;

/** The names in a manifest. @throws the errors of reading, if it is not a manifest at all */
export async function namesInManifest(source: string, cwd = '.'): Promise<ManifestNames> {
  const { text, format } = await readSource(source, cwd);
  const devices = devicesOf(source, await parse(source, text, format), () => {});
  const names: ManifestNames = { pids: [], sns: [], labels: new Map() };
  const labeled: { labels: Labels }[] = [];
  for (const device of devices.slice(0, MOST)) {
    const { sn, pid, gateway, labels } = (device ?? {}) as Record<string, unknown>;
    if (typeof sn === 'string') names.sns.push(sn);
    const named = pid ?? gateway;
    if (typeof named === 'string') names.pids.push(named);
    const good = readLabels(labels ?? {}, () => null);
    if (good) labeled.push({ labels: good });
  }
  names.labels = labelValues(labeled);
  return names;
}

async function parse(source: string, text: string, format: string): Promise<unknown> {
  if (format === 'json') return parseJson(source, text);
  if (format === 'csv') return (await import('../../manifest/parse/csv.js')).parseCsv(source, text, () => {}).entries;
  return (await import('../../manifest/parse/yaml.js')).parseYaml(source, text);
}
