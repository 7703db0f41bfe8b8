/** The JSON report as a zod schema, for publishing it, and for checking reports from files. */
import * as z from 'zod';
import { OUTCOMES, type Totals } from '../../upgrade/events.js';
import { PHASE_KINDS, type RunReport, type StoredReport } from './model.js';

// Not zod's own pattern: it handles leap years, and would be unreadable in the JSON Schema.
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

const count = () => z.int().nonnegative();
const text = () => z.string();
const time = () =>
  text()
    .regex(TIME)
    .refine((value) => !Number.isNaN(Date.parse(value)), 'is no time');
const runId = () => text().min(1).describe('Id of the run');
const pid = () => text().describe('Serial number of the gateway');
const outcome = z.enum(OUTCOMES).describe('How the device ended');
const VERIFY = ['off', 'report', 'require'] as const;
const totals = z.object({
  ...(Object.fromEntries(OUTCOMES.map((each) => [each, count()])) as Record<(typeof OUTCOMES)[number], z.ZodInt>),
  // Not in the reports of earlier versions.
  unverified: count().default(0).describe('Ended ok, but a required verification did not confirm it; not in ok'),
}) satisfies z.ZodType<Totals>;

const device = z.object({
  run: runId(),
  pid: pid(),
  sn: text().nullable().describe('Serial number of the device; null where it is not known'),
  product_version: text().nullable().describe('Version to upgrade to'),
  model: text().nullable(),
  status: outcome,
  percent: z.number().min(0).max(100).nullable(),
  result: z.int().nullable().describe('Result code of the device; 0 = no error, null = none came'),
  reason: text().nullable().describe('Why it ended this way, as text'),
  advice: text().nullable().describe('What to do about it'),
  verified: z.boolean().nullable().describe('Whether it reports the target version; null = not verified or not known'),
  version_before: text()
    .nullable()
    .optional()
    .describe('Version reported before the upgrade; null = none was reported'),
  version_after: text().nullable().optional().describe('Version reported since; null = none was reported'),
  heard_at: time().nullable().optional().describe('When it last reported a version'),
  verify: z.enum(VERIFY).optional().describe('What the run asked of the version'),
  labels: z.record(text(), text()).optional().describe('Of the manifest'),
  pair_split: z
    .boolean()
    .optional()
    .describe('Whether the dock and aircraft of its gateway ended on different releases'),
  attempts: count().describe('How often its job was published'),
  retried: z.array(z.int()).optional().describe('Result codes of the attempts that were retried'),
  bids: z.array(text()).describe('Of each attempt, in order'),
  firmware: z
    .object({
      file_name: text(),
      file_size: z.number().nonnegative().describe('Bytes'),
      md5: text(),
      sha256: text().nullable().optional().describe('Where the manifest asks for it'),
      product: text().nullable().optional().describe('Product code of the package, if the package was read'),
    })
    .nullable(),
  started: time().nullable().describe('When it was first published; null = never'),
  ended: time().nullable(),
  phases: z
    .array(z.object({ kind: z.enum(PHASE_KINDS), from: time(), to: time() }))
    .describe('Phases in order; silence = nothing new was reported for a minute or more'),
});

const run = z.object({
  run: runId(),
  command: z.enum(['push', 'watch', 'resume']),
  simulated: z.boolean().describe('Against simulated docks'),
  verify: z.enum(VERIFY),
  started: time(),
  ended: time(),
  exit_code: count(),
  devices: count(),
  gateways: count(),
  manifest: text().nullable().optional().describe('Path of the manifest; - = standard input'),
  manifest_sha256: text().nullable().optional().describe('SHA-256 of its bytes'),
  broker: text().nullable().optional().describe('URL of the broker, without user, password and tokens'),
  user: text().nullable().optional().describe('Who began the run'),
  host: text().nullable().optional().describe('Name of the machine'),
  version: text().nullable().optional().describe('Version of the dji-ota that began the run'),
  resumed: z
    .array(z.object({ time: time(), user: text().nullable(), host: text().nullable(), version: text().nullable() }))
    .optional()
    .describe('Who took it up again'),
});

const note = { run: runId(), time: time(), code: text(), message: text() };

/** The schema of a report. */
export const reportSchema = z
  .object({
    schema: z.literal(1).describe('Keys are added under this number, never renamed or removed'),
    version: text().describe('Version of the dji-ota that made the report'),
    runs: z.array(run).min(1).describe('Oldest first'),
    started: time(),
    ended: time(),
    exit_code: count().describe('Of all runs together'),
    totals: totals.describe('Number of devices by how they ended'),
    gateways: count(),
    warnings: z.array(z.object(note)),
    warnings_omitted: count().describe('Warnings beyond those listed'),
    errors: z.array(z.object({ ...note, hint: text().nullable(), details: z.array(text()) })),
    outages: z
      .array(z.object({ run: runId(), from: time(), to: time().nullable(), reason: text() }))
      .describe('When the broker was lost; to is null if it did not come back'),
    devices: z.array(device).describe('In the order of the manifest, run by run'),
  })
  .meta({
    title: 'Report of dji-ota',
    description: 'A JSON report of one or more runs.',
  }) satisfies z.ZodType<StoredReport>;

/** Fails to compile if the schema above lacks a key of {@link RunReport}. */
export const coversEveryKey: RunReport extends z.infer<typeof reportSchema> ? true : never = true;

/** The JSON Schema (draft 2020-12) of a JSON report. Unknown keys are allowed, because later versions may add some. */
export function reportJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(reportSchema, { target: 'draft-2020-12', io: 'input' }) as Record<string, unknown>;
}
