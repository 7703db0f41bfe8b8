/** `dji-ota schema`. Loads zod: import it in the action alone. */
import { OtaError } from '../../errors.js';
import { manifestJsonSchema } from '../../manifest/schema.js';
import { nearest } from '../../settings/nearest.js';
import { safeText } from '../../text.js';
import { eventsJsonSchema } from '../schema/events.js';
import { reportJsonSchema } from '../schema/report.js';

export const SCHEMAS = ['manifest', 'events', 'report'] as const;
export type SchemaName = (typeof SCHEMAS)[number];

/**
 * The JSON Schema (draft 2020-12) of the manifest, which is also the default, of the JSON lines or of the JSON report: indented, for stdout,
 * without a line end.
 * @throws OtaError `usage` for any other name.
 */
export function schemaCommand(which: string = 'manifest'): string {
  const make: Record<SchemaName, () => Record<string, unknown>> = {
    manifest: manifestJsonSchema,
    events: eventsJsonSchema,
    report: reportJsonSchema,
  };
  const name = SCHEMAS.find((one) => one === which);
  if (name) return JSON.stringify(make[name](), null, 2);
  const near = nearest(which, SCHEMAS);
  throw new OtaError('usage', `there is no schema "${safeText(which, 60)}"`, {
    hint: near !== null ? `Did you mean ${near}?` : `There are: ${SCHEMAS.join(', ')}.`,
  });
}
