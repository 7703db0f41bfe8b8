/** Reads scenario files: JSON or YAML with the keys of {@link Behavior}, checked completely before anything runs. */

import { fileURLToPath } from 'node:url';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { OtaError } from '../../errors.js';
import { bare, didYouMean } from '../../nearest.js';
import { STEPS } from '../../protocol/statuses.js';
import { schemaProblem } from '../../schema-problem.js';
import { quoted, safeText } from '../../text.js';
import { type Behavior, ENDS } from '../dock/behavior.js';
import type { Scenario } from './scenario.js';
import { builtInScenario, SCENARIOS } from './scenarios.js';

const seconds = z.number().min(0).max(86_400);
const milliseconds = z.number().min(0).max(86_400_000);
const percent = z.number().int().min(0).max(100);
const oneOf = (most: number) => z.number().int().min(0).max(most);
const code = z.number().int().min(0).max(9_999_999);

const BEHAVIOR = {
  reply: z.enum(['normal', 'late', 'none']),
  reply_ms: milliseconds,
  result: code,
  refuse_times: z.number().int().min(0).nullable(),
  upgrade: z.boolean(),
  check_consistency: z.boolean(),
  download_seconds: seconds,
  upgrade_seconds: seconds,
  silence_seconds: seconds,
  interval_ms: z.number().min(10).max(86_400_000),
  pause_percent: percent.nullable(),
  pause_seconds: seconds,
  end: z.enum(ENDS),
  end_step: z.enum(STEPS),
  end_percent: percent,
  end_result: code,
  step_form: z.enum(['step_key', 'word', 'number']),
  output: z.enum(['nested', 'flat']),
  method: z.boolean(),
  timestamp: z.enum(['number', 'string', 'stray_colon', 'none']),
  bid: z.enum(['own', 'none']),
  gateway: z.boolean(),
  rate: z.boolean(),
  need_reply: z.boolean(),
  name_devices: z.boolean(),
  duplicates: z.boolean(),
  out_of_order: z.boolean(),
  foreign_bid: z.boolean(),
  garbage: z.boolean(),
  retained: z.boolean(),
  unknown_status: z.boolean(),
  version: z.enum(['new', 'unchanged', 'respelled']),
  current: z.boolean(),
  online: z.boolean(),
  talkative: z.boolean(),
  restart_seconds: seconds,
  ready_after_seconds: seconds.nullable(),
  mode_code: oneOf(5),
  flighttask_step_code: z.union([oneOf(5), z.literal([255, 256])]).nullable(),
  emergency_stop: z.boolean(),
  putter_state: oneOf(3),
  drone_in_dock: z.boolean(),
  paired: z.boolean(),
  asleep: z.boolean(),
  aircraft_online: z.boolean(),
  battery_percent: z.union([percent, z.literal(32767)]),
  battery_maintenance: oneOf(2),
  four_g: z.boolean(),
  storage_percent: percent,
  network_quality: oneOf(5),
} satisfies Record<keyof Behavior, z.ZodType>;

const names = SCENARIOS.map(({ name }) => name) as [string, ...string[]];
const builtIn = z.enum(names, {
  error: ({ input }) => `no built-in scenario ${quoted(String(input))}${didYouMean(String(input), names, bare)}`,
});
const behavior = z.strictObject(BEHAVIOR).partial();
const based = behavior.extend({ scenario: builtIn.optional() });
const devices = z.record(z.string().min(1).max(128), based);
const dock = based.extend({
  pid: z.string().min(1).max(128).optional(),
  index: z.number().int().min(0).optional(),
  every: z.number().int().min(1).optional(),
  devices: devices.optional(),
});
const file = z.strictObject({
  description: z.string().max(200).optional(),
  scenario: builtIn.optional(),
  defaults: behavior.optional(),
  devices: devices.optional(),
  docks: z.array(dock).max(10_000).optional(),
});

/**
 * The scenario in `text`, the content of a file called `name`. JSON is parsed as YAML.
 * @throws OtaError `scenario_invalid`, which lists every error
 */
export function parseScenario(text: string, name: string): Scenario {
  // Duplicate keys are errors, because it is unclear which one is meant; the number of aliases is limited.
  const document = parseDocument(text, { uniqueKeys: true, prettyErrors: true });
  const flaws = document.errors.map((error) => safeText(error.message.split('\n')[0] ?? '', 300));
  if (flaws.length > 0) throw invalid(name, flaws);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw invalid(name, [safeText(error instanceof Error ? error.message : String(error))]);
  }
  const parsed = file.safeParse(value ?? {}, { reportInput: true });
  if (!parsed.success) throw invalid(name, parsed.error.issues.flatMap(describe));
  const { description, scenario, defaults, docks = [] } = parsed.data;
  const base = scenario === undefined ? null : builtInScenario(scenario);
  return {
    name,
    description: description ?? base?.description ?? '',
    defaults: { ...base?.defaults, ...defined(defaults) },
    devices: eachOf(parsed.data.devices),
    docks: [
      ...(base?.docks ?? []),
      ...docks.map(({ pid, index, every, devices, ...own }) => ({
        pid,
        index,
        every,
        behavior: full(own),
        devices: eachOf(devices),
      })),
    ],
  };
}

type Partially<T> = { [K in keyof T]?: T[K] | undefined };

/** `own` merged over the built-in scenario that it names. */
function full({ scenario, ...own }: Partially<Behavior> & { scenario?: string | undefined }): Partial<Behavior> {
  const base = scenario === undefined ? null : builtInScenario(scenario);
  return { ...base?.defaults, ...defined(own) };
}

function eachOf(devices: z.infer<typeof based> extends infer D ? Record<string, D> | undefined : never) {
  return Object.fromEntries(Object.entries(devices ?? {}).map(([glob, own]) => [glob, full(own)]));
}

function defined(partial: Partially<Behavior> = {}): Partial<Behavior> {
  return Object.fromEntries(Object.entries(partial).filter(([, value]) => value !== undefined));
}

function describe(issue: z.core.$ZodIssue): string[] {
  const place = issue.path.length === 0 ? '' : `${safeText(issue.path.join('.'))}: `;
  if (issue.code !== 'unrecognized_keys') return [`${place}${schemaProblem(issue)}`];
  const known = Object.keys(issue.path.length === 0 ? file.shape : dock.shape);
  return issue.keys.map((key) => `${place}unknown key ${quoted(key)}${didYouMean(key, known, bare)}`);
}

// The depth is the same for the sources and for the built program.
const EXAMPLES = fileURLToPath(new URL('../../examples/scenarios', import.meta.url));

function invalid(name: string, details: string[]): OtaError {
  return new OtaError(
    'scenario_invalid',
    `scenario ${safeText(name)}: ${details.length === 1 ? details[0] : `${details.length} errors`}`,
    {
      details: details.length === 1 ? [] : details,
      hint: `A scenario file has the keys description, scenario, defaults, devices and docks; for examples see ${EXAMPLES}.`,
    },
  );
}
