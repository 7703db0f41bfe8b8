/** Checks requests at run time, because programs in JavaScript have no types, and a mistyped key must not be ignored. */
import * as z from 'zod';
import { OtaError } from '../../errors.js';
import { didYouMean } from '../../nearest.js';
import { serialProblem } from '../../protocol/topics.js';
import { RISKS } from '../../risks.js';
import { parseWaves } from '../../upgrade/rollout/options.js';
import type {
  DevicesRequest,
  InspectRequest,
  PlanRequest,
  PushRequest,
  ReadManifestRequest,
  ReportRequest,
  ResumeRequest,
  SimulatorRequest,
  WatchRequest,
} from './requests.js';

const time = z.number().nonnegative().finite();
const wait = z.number().positive().finite();
const count = z.int().nonnegative();
const pem = z.custom<Buffer>((value) => Buffer.isBuffer(value), 'has to be a Buffer');
const signal = z.custom<AbortSignal>((value) => value instanceof AbortSignal, 'must be an AbortSignal').optional();
const callback = <T>() =>
  z.custom<T>((value) => typeof value === 'function', 'must be a function').optional() as z.ZodType<T | undefined>;
const pid = z.string().superRefine((value, { addIssue }) => {
  const problem = serialProblem(value);
  if (problem) addIssue({ code: 'custom', message: problem });
});
const pids = z.union([pid, z.array(pid)]);
const text = z.string().min(1);
const type = z
  .enum(['consistency', 'normal', 'psdk'])
  .or(z.literal([2, 3, 4]))
  .optional();
// The manifest's own check reports all errors of the devices themselves.
const manifest = z.union([text, z.array(z.any())]);

const broker = z.union([
  z.custom<PushRequest['broker'] & ((...all: never[]) => unknown)>((value) => typeof value === 'function'),
  z.strictObject({
    url: text,
    username: z.string().optional(),
    password: z.string().optional(),
    ca: pem.optional(),
    cert: pem.optional(),
    key: pem.optional(),
    insecure: z.boolean().optional(),
    clientId: text.optional(),
    mqttVersion: z.enum(['auto', '5', '3.1.1']).optional(),
    connectTimeout: wait.optional(),
    reconnectTimeout: wait.optional(),
    subscribe: z.enum(['auto', 'gateways', 'wildcard']).optional(),
  }),
]);

const limits = {
  reply: wait.optional(),
  stall: wait.optional(),
  verify: wait.optional(),
  total: wait.optional(),
};

const waves = z.string().superRefine((value, { addIssue }) => {
  try {
    // Only the fleet decides whether the list reaches every gateway, so complete it here.
    parseWaves(`${value},100%`, Number.MAX_SAFE_INTEGER);
  } catch (error) {
    addIssue({ code: 'custom', message: (error as Error).message.replace(/^--waves: /, '') });
  }
});

const settings = {
  firmware: z
    .strictObject({
      cacheFile: text.nullable().optional(),
      trustManifest: z.boolean().optional(),
      maxSize: z.int().positive().optional(),
      ca: pem.optional(),
      probeUrls: z.boolean().optional(),
    })
    .optional(),
  serve: z.strictObject({ address: text, url: text.optional(), rate: z.number().positive().optional() }).optional(),
  limits: z.strictObject(limits).optional(),
  rollout: z
    .strictObject({
      concurrency: z.int().positive().optional(),
      waves: waves.optional(),
      wavePause: time.optional(),
      maxFailures: z
        .union([
          z.strictObject({ devices: z.int().positive() }),
          z.strictObject({ percent: z.number().positive().max(100) }),
        ])
        .optional(),
      retries: count.optional(),
      retryWait: wait.optional(),
    })
    .optional(),
  allow: z.array(z.enum(RISKS)).optional(),
  match: z.enum(['bid', 'gateway']).optional(),
  preflight: z.enum(['off', 'warn', 'require']).optional(),
  skipCurrent: z.boolean().optional(),
  skipUnready: z.boolean().optional(),
  waitReady: time.optional(),
  verify: z.enum(['off', 'report', 'require']).optional(),
};

/** `skipUnready` means a `waitReady` of 0, so it contradicts any other value. */
const oneOfBoth = ({ skipUnready, waitReady }: { skipUnready?: boolean | undefined; waitReady?: number | undefined }) =>
  !(skipUnready && waitReady);
const both = { path: ['waitReady'], error: 'must be 0 or omitted with skipUnready' };

const plan = { manifest, pid: pid.optional(), type, signal, onReading: callback(), ...settings };

const REQUESTS = {
  plan: z.strictObject(plan).refine(oneOfBoth, both),
  push: z.strictObject({ ...plan, broker, home: text.optional() }).refine(oneOfBoth, both),
  watch: z.strictObject({
    pids: z.union([pid, z.array(pid).min(1, 'names no gateway')]),
    bids: z.array(text).optional(),
    follow: z.boolean().optional(),
    broker,
    limits: z.strictObject({ stall: limits.stall, total: limits.total }).optional(),
    home: text.optional(),
    signal,
  }),
  resume: z.strictObject({
    home: text,
    run: text.optional(),
    broker,
    manifest: text.optional(),
    republishUncertain: z.boolean().optional(),
    limits: z.strictObject(limits).optional(),
    signal,
  }),
  report: z.strictObject({ home: text.optional(), runs: z.union([text, z.array(text).min(1, 'names no run')]) }),
  devices: z.strictObject({
    pids: pids.optional(),
    target: manifest.optional(),
    broker,
    timeout: wait.optional(),
    onWarning: callback(),
    signal,
  }),
  readManifest: z.strictObject({ pid: pid.optional(), type, allowFileWithoutUrl: z.boolean().optional() }),
  inspect: z.strictObject({ ca: pem.optional(), signal }),
  createSimulator: z.strictObject({
    docks: z.union([z.int().positive(), z.array(z.any())]).optional(),
    scenario: text.optional(),
    port: count.max(65_535).optional(),
    wsPort: count.max(65_535).optional(),
    speed: z.number().positive().max(1000).optional(),
    seed: z.int().optional(),
  }),
};

interface Requests {
  plan: PlanRequest;
  push: PushRequest;
  watch: WatchRequest;
  resume: ResumeRequest;
  report: ReportRequest;
  devices: DevicesRequest;
  readManifest: ReadManifestRequest;
  inspect: InspectRequest;
  createSimulator: SimulatorRequest;
}

/** Checks a request. @throws OtaError `usage`, whose `details` list every error with its path, such as `rollout.waves` */
export function checkRequest<K extends keyof Requests>(name: K, request: Requests[K]): void {
  const schema: z.ZodType = REQUESTS[name];
  const checked = schema.safeParse(request, { reportInput: true });
  if (checked.success) return;
  const problems = checked.error.issues.flatMap((issue) => problemsOf(issue, [], schema));
  const [first = 'the request is invalid'] = problems;
  if (problems.length === 1) throw new OtaError('usage', `${name}: ${first}`);
  throw new OtaError('usage', `${name}: ${problems.length} problems in the request`, { details: problems });
}

function problemsOf(issue: z.core.$ZodIssue, above: PropertyKey[], schema: z.ZodType): string[] {
  const path = [...above, ...issue.path];
  const at = path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, path);
    return issue.keys.map((key) => `${[...path.map(String), key].join('.')} is not known${didYouMean(key, known)}`);
  }
  if (issue.input === undefined && issue.code !== 'custom') return [`${at === '' ? 'the request' : at} is missing`];
  if (issue.code === 'invalid_union') {
    // Of the alternatives, show the errors of the nearest one. A wrong type at the top level says nothing.
    const [nearest] = issue.errors
      .filter((errors) => errors.some((error) => error.path.length > 0 || error.code === 'unrecognized_keys'))
      .sort((a, b) => a.length - b.length);
    if (nearest) return nearest.flatMap((error) => problemsOf(error, path, schema));
  }
  const words = issue.message.replace(/^Invalid (?:input|option): /, '');
  return [`${at === '' ? 'the request' : at}${/^(has|is|names|does) /.test(words) ? ' ' : ': '}${words}`];
}

/** The keys of the object at `path`. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: unknown = schema;
  for (const step of path) at = shapeOf(at)[String(step)];
  return Object.keys(shapeOf(at));
}

function shapeOf(schema: unknown): Record<string, unknown> {
  if (schema instanceof z.ZodOptional) return shapeOf(schema.unwrap());
  if (schema instanceof z.ZodUnion) return Object.assign({}, ...schema.options.map(shapeOf));
  return schema instanceof z.ZodObject ? schema.shape : {};
}
