/** The JSON lines (CONTRACT "JSON lines") as a zod schema. The compiler compares it with the types of the events. */
import * as z from 'zod';
import { type ErrorCode, EXIT_CODES } from '../../../errors.js';
import { COUNTED } from '../../../upgrade/counting.js';
import type { PublicEvent } from '../../../upgrade/events.js';
import { OUTCOMES } from '../../../upgrade/events.js';

/** One line: the event, its time and its run. */
export type EventLine = PublicEvent & { schema: 1; time: string; run: string };

// Not zod's own pattern: it handles leap years, and would be unreadable in the JSON Schema.
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

const count = () => z.int().nonnegative();
const text = () => z.string();
const percent = () => z.number().min(0).max(100).nullable();
const serials = () => z.array(text()).describe('Serial numbers');
const pid = () => text().describe('Serial number of the gateway');
const exitCode = () => count().describe('The exit code of the program');

const outcome = z.enum(OUTCOMES).describe('How the device ended');
const deviceOutcome = {
  pid: pid(),
  sn: text().nullable().describe('Serial number of the device; null where it is not known'),
  status: outcome,
  percent: percent(),
  result: z.int().nullable().describe('Result code of the device; 0 = no error, null = none came'),
  reason: text().nullable().describe('Why it ended this way, as text'),
  verified: z.boolean().nullable().describe('Whether it reports the target version; null = not verified or not known'),
  version_before: text().nullable().describe('Version reported before the upgrade; null = none was reported'),
  version_after: text().nullable().describe('Version reported since; null = none was reported'),
  heard_at: text().nullable().describe('When it last reported a version: ISO 8601, UTC'),
  labels: z.record(text(), text()).describe('Of the manifest'),
};

/** A line: the keys of every line, then those of `event`. */
function line<E extends PublicEvent['event'], S extends z.ZodRawShape>(event: E, description: string, shape: S) {
  return z
    .object({
      schema: z.literal(1).describe('Keys and events are added under this number, never renamed or removed'),
      time: text().regex(TIME).describe('When it happened: UTC, milliseconds'),
      run: text().describe('Id of the run'),
      event: z.literal(event),
      ...shape,
    })
    .describe(description);
}

export const eventLineSchema = z
  .discriminatedUnion('event', [
    line('run_started', 'First of a run.', {
      command: z.enum(['push', 'watch', 'resume']),
      devices: count().describe('Number of devices'),
      gateways: count().describe('Number of gateways'),
    }),
    line('firmware_ready', 'A firmware file was digested.', {
      file_name: text(),
      file_size: count().describe('Bytes'),
      md5: text().regex(/^[0-9a-f]{32}$/),
      sha256: text()
        .regex(/^[0-9a-f]{64}$/)
        .nullable()
        .describe('Only where the manifest asks for it'),
      product: text().nullable().describe('Product code of the package; null if the package was not read'),
      source: z.enum(['file', 'url', 'cache', 'manifest']).describe('Where size and MD5 come from'),
      devices: serials(),
      package: z.enum(['proven', 'not checked', 'broken']).describe('Whether its modules match its configuration'),
      modules: z
        .strictObject({ proven: count(), total: count() })
        .nullable()
        .describe('Number of modules in the package; null if the package was not read'),
    }),
    line('job_planned', 'A message that would be published (--dry-run); its ids and timestamp are examples.', {
      pid: pid(),
      wave: z.int().positive().describe('The wave of the roll-out, from 1'),
      topic: text(),
      message: z.record(text(), z.unknown()).describe('The ota_create request'),
    }),
    line('job_published', 'An ota_create was handed to the broker.', {
      pid: pid(),
      bid: text(),
      tid: text(),
      devices: serials(),
      attempt: z.int().positive().describe('The attempt, from 1'),
    }),
    line('job_replied', 'The gateway answered an ota_create.', {
      pid: pid(),
      bid: text(),
      result: z.int().describe('0 = accepted'),
      status: text().nullable(),
    }),
    line('device_progress', 'The gateway reported progress.', {
      pid: pid(),
      bid: text().nullable(),
      sn: text().nullable(),
      status: text().nullable(),
      percent: percent(),
      step_key: text().nullable(),
      rate: z.number().nonnegative().nullable().describe('Bytes a second'),
    }),
    line('device_waiting', 'A gateway is not ready and waits (--wait-ready); once for each change of the reason.', {
      pid: pid(),
      sn: text().nullable().describe('null: all devices of the gateway'),
      code: z.enum(['not_ready']),
      reason: text().describe('Why it is not ready, as text'),
    }),
    line('device_retrying', 'An attempt failed with a retryable code; another attempt follows.', {
      pid: pid(),
      sn: text().nullable(),
      bid: text().nullable(),
      result: z.int().describe('Result code of the device'),
      attempt: z.int().positive().describe('The attempt that ended, from 1'),
      attempts: z.int().positive().describe('Maximum number of attempts'),
      wait_ms: count().describe('Milliseconds until the next attempt'),
    }),
    line('device_finished', 'The upgrade of a device ended.', { bid: text().nullable(), ...deviceOutcome }),
    line('pair_split', 'A dock and its aircraft did not end on the same release.', {
      pid: pid(),
      devices: z.array(z.object({ sn: text(), status: outcome, version_after: text().nullable() })),
    }),
    ...(['wave_started', 'wave_finished'] as const).map((name) =>
      line(name, `A wave of several ${name === 'wave_started' ? 'begins' : 'has ended'}.`, {
        wave: z.int().positive().describe('From 1'),
        waves: z.int().positive().describe('How many there are'),
        gateways: count().describe('Number of gateways in this wave'),
      }),
    ),
    line('run_stopping', 'No further gateway is started.', { reason: text() }),
    line('broker_lost', 'The connection was lost; the program reconnects.', { reason: text() }),
    line('broker_restored', 'The connection is back.', { reason: text().nullable() }),
    line('warning', 'A warning; the run continues.', { code: text(), message: text() }),
    line('error', 'The error that ended the run.', {
      code: z.enum(Object.keys(EXIT_CODES) as [ErrorCode, ...ErrorCode[]]),
      message: text(),
      exit_code: exitCode(),
      hint: text().nullable().describe('What to do about it'),
      details: z.array(text()).describe('Single findings, where the error reports several'),
    }),
    line('run_finished', 'Always the last line.', {
      exit_code: exitCode(),
      totals: z
        .record(z.enum(COUNTED), count())
        .describe(
          'Number of devices by how they ended; unverified = ok, but a required verification did not confirm it',
        ),
      devices: z.array(z.object(deviceOutcome)).describe('Every device, in the order of the manifest'),
    }),
  ])
  .meta({ title: 'JSON line of dji-ota', description: 'One line of --output json.' }) satisfies z.ZodType<EventLine>;

type Described = z.infer<typeof eventLineSchema>;
type Missing = Exclude<EventLine['event'], Described['event']>;

/** Fails to compile, naming the event, if the schema above lacks an event or a key of {@link PublicEvent}. */
export const coversEveryEvent: [Missing] extends [never] ? (EventLine extends Described ? true : never) : Missing =
  true;

/** The JSON Schema (draft 2020-12) of one JSON line. Unknown keys are allowed, because later versions may add some. */
export function eventsJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(eventLineSchema, { target: 'draft-2020-12', io: 'input' }) as Record<string, unknown>;
}
