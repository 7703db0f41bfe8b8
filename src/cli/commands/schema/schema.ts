/** `dji-ota schema`. It loads zod, so import it only in the action. */
import { OtaError } from '../../../errors.js';
import { manifestJsonSchema } from '../../../manifest/schema.js';
import { meantHint } from '../../../nearest.js';
import { reportJsonSchema } from '../../../render/report/schema.js';
import { quoted } from '../../../text.js';
import type { Io } from '../../io.js';
import { eventsJsonSchema } from './events.js';
import { SCHEMAS } from './schema-names.js';

type SchemaName = (typeof SCHEMAS)[number];

/** `dji-ota schema` */
export async function schemaCommand(which: string | undefined, { stdout }: Pick<Io, 'stdout'>): Promise<number> {
  stdout.write(`${schemaText(which)}\n`);
  return 0;
}

/**
 * The JSON Schema (draft 2020-12) of the manifest (the default), the JSON lines or the JSON report: indented, without a final
 * newline.
 * @throws OtaError `usage` for any other name
 */
export function schemaText(which: string = 'manifest'): string {
  const make: Record<SchemaName, () => Record<string, unknown>> = {
    manifest: manifestJsonSchema,
    events: eventsJsonSchema,
    report: reportJsonSchema,
  };
  const name = SCHEMAS.find((one) => one === which);
  if (name) return JSON.stringify(make[name](), null, 2);
  throw new OtaError('usage', `there is no schema ${quoted(which)}`, {
    hint: meantHint(which, SCHEMAS, `There are: ${SCHEMAS.join(', ')}.`),
  });
}
