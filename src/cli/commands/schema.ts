/** `dji-ota schema`. Loads zod: import it in the action alone. */
import { OtaError } from '../../errors.js';
import { manifestJsonSchema } from '../../manifest/schema.js';
import { meantHint } from '../../nearest.js';
import { safeText } from '../../text.js';
import { SCHEMAS } from '../completion/names.js';
import { eventsJsonSchema } from '../schema/events.js';
import { reportJsonSchema } from '../schema/report.js';

type SchemaName = (typeof SCHEMAS)[number];

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
  throw new OtaError('usage', `there is no schema "${safeText(which, 60)}"`, {
    hint: meantHint(which, SCHEMAS, `There are: ${SCHEMAS.join(', ')}.`),
  });
}
