/** Suggests values of options and arguments. Large modules are loaded only for the values that need them. */
import type { RunSummary } from '../../journal/read.js';
import type { Place, Suggestion, Suggestions } from './suggest.js';

const NONE: Suggestions = { items: [] };
const FILES: Suggestions = { items: [], files: true };

/** The values that fit at `place`. Throws the errors of reading them. */
export async function valuesOf(place: Place, env: NodeJS.ProcessEnv): Promise<Suggestions> {
  const { complete } = place;
  if (typeof complete === 'object') return words(complete);
  switch (complete) {
    case 'files':
      return FILES;
    case 'profiles':
      return profiles(env, !/^config (?:set|get|remove)$/.test(place.command));
    case 'scenarios':
      return scenarios();
    case 'brokers':
      return { ...words(['mqtt://', 'mqtts://', 'ws://', 'wss://']), noSpace: true };
    case 'gateways':
    case 'serials':
      return serials(place, complete === 'gateways', env);
    case 'known-serials':
      return { items: (await knownSerials(env, false)).map((value) => ({ value })) };
    case 'labels':
      return labels(place);
    case 'runs':
      return runs(env, () => true);
    case 'resumable-runs':
      return runs(env, ({ finished, alive, simulated }) => !finished?.complete && !alive && !simulated);
    case 'running-runs':
      return runs(env, ({ alive }) => alive);
    case 'settings':
      return words(await settingNames());
    case 'assignments':
      return { ...words((await settingNames()).map((name) => `${name}=`)), noSpace: true };
    default:
      return NONE;
  }
}

function words(values: readonly string[]): Suggestions {
  return { items: values.map((value) => ({ value })), keepOrder: true };
}

async function scenarios(): Promise<Suggestions> {
  const { SCENARIOS } = await import('../../simulator/scenario/scenarios.js');
  const items = SCENARIOS.map(({ name, description }) => ({ value: name, description }));
  return { items, files: true, keepOrder: true };
}

async function settingNames(): Promise<string[]> {
  const { PROFILE_KEYS, optionName } = await import('../../settings/profiles/profile.js');
  // The password is only read from a prompt or from standard input.
  return PROFILE_KEYS.filter((key) => key !== 'password').map((key) => optionName(key));
}

async function profiles(env: NodeJS.ProcessEnv, orNone: boolean): Promise<Suggestions> {
  const { settingsFile } = await import('../../settings/state-folders.js');
  const { shownBrokerText } = await import('../../broker-url.js');
  const { NO_PROFILE } = await import('../../settings/profiles/profile.js');
  const { readSettings } = await import('../../settings/profiles/read-settings.js');
  const { current, profiles } = await readSettings(settingsFile(env));
  const items = Object.entries(profiles).map(([value, { broker = '' }]) => ({
    value,
    description: [value === current ? 'current' : '', shownBrokerText(broker)].filter(Boolean).join(', '),
  }));
  // A profile of an earlier version may have this name, but cannot be selected.
  const none = { value: NO_PROFILE, description: 'no profile' };
  return { items: orNone ? [...items.filter(({ value }) => value !== NO_PROFILE), none] : items };
}

async function runs(env: NodeJS.ProcessEnv, wanted: (run: RunSummary) => boolean): Promise<Suggestions> {
  const { listRuns } = await import('../../journal/read.js');
  const { runsFolder } = await import('../../app/run/run-journal.js');
  const { runState } = await import('../../app/run/run-state.js');
  const all = await listRuns(runsFolder(env));
  return {
    items: all.filter(wanted).map(({ run, time, devices, manifest, ...rest }) => ({
      value: run,
      description: `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')}, ${devices} devices of ${manifest}, ${runState(rest)}`,
    })),
    keepOrder: true,
  };
}

/** The labels of the manifest; after `=`, their values. */
async function labels({ typed, ...place }: Place): Promise<Suggestions> {
  const manifest = manifestOf(place);
  if (manifest === undefined || manifest === '-') return NONE;
  const { namesInManifest } = await import('./manifest-names.js');
  const values = (await namesInManifest(manifest)).labels;
  const name = typed.slice(0, Math.max(0, typed.indexOf('=')));
  if (name === '') return { items: [...values.keys()].map((label) => ({ value: `${label}=` })), noSpace: true };
  return { items: [...(values.get(name) ?? [])].map((value) => ({ value: `${name}=${value}` })) };
}

function manifestOf({ args, options, command }: Pick<Place, 'args' | 'options' | 'command'>): string | undefined {
  return command === 'push' ? args[0] : (options.get('--target') ?? options.get('--manifest'));
}

/** The most suggestions. */
const MOST_KNOWN = 500;

/** The devices of the inventory, the most recently heard ones. */
async function knownSerials(env: NodeJS.ProcessEnv, gateways: boolean): Promise<string[]> {
  const { readInventory } = await import('../../app/inventory/keep.js');
  const { devices } = await readInventory({ env, warn() {} });
  const found = [...devices.values()].filter(({ sn, pid }) => !gateways || sn === pid);
  return found
    .sort((a, b) => b.heard_at - a.heard_at)
    .slice(0, MOST_KNOWN)
    .map(({ sn }) => sn);
}

/**
 * The serial numbers of the manifest on the command line: gateways if it names them, otherwise all that could be gateways.
 * Without a manifest, those of the inventory.
 */
async function serials(place: Place, gateways: boolean, env: NodeJS.ProcessEnv): Promise<Suggestions> {
  const { typed } = place;
  const manifest = manifestOf(place);
  if (manifest === '-') return NONE;
  const { namesInManifest } = await import('./manifest-names.js');
  const { pids, sns } =
    manifest === undefined ? { pids: [], sns: await knownSerials(env, gateways) } : await namesInManifest(manifest);
  const named = gateways ? (pids.length > 0 ? pids : sns) : [...pids, ...sns];
  // In a comma list, complete the part after the last comma.
  const before = typed.slice(0, typed.lastIndexOf(',') + 1);
  const taken = before.split(',');
  const items: Suggestion[] = [...new Set(named)]
    .filter((name) => !taken.includes(name))
    .map((name) => ({ value: `${before}${name}` }));
  return { items };
}
