import * as z from 'zod';
import { KNOWN_TIME } from './device/field-values.js';
import { FIELDS, type Field, MAX_TEXT } from './device/fields.js';

/**
 * The manifest as a zod schema, from which its JSON Schema is generated. The reader does not use it, because loading zod takes
 * longer than checking 10,000 devices. A test compares the two.
 */

const text = () => z.string().min(1).max(MAX_TEXT);
const serial = () =>
  z
    .string()
    .min(1)
    .max(128)
    .regex(/^[^/+#\p{White_Space}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]+$/u);

const TYPES: Record<Field, () => z.ZodType> = {
  sn: serial,
  pid: serial,
  product_version: text,
  firmware_upgrade_type: () =>
    z.union([z.literal([2, 3, 4]), z.enum(['normal', 'consistency', 'psdk', '2', '3', '4'])]),
  file_url: () => text().regex(/^[Hh][Tt][Tt][Pp][Ss]?:\/\/\S+$/),
  file: text,
  md5: () => z.string().regex(/^[0-9a-fA-F]{32}$/),
  file_size: () => z.union([z.int().positive(), z.string().regex(/^\d{1,16}$/)]),
  sha256: () => z.string().regex(/^[0-9a-fA-F]{64}$/),
  file_name: () => text().regex(/^[^/\\]+$/),
  labels: () => z.record(z.string().min(1).max(64), z.string().min(1).max(1000)),
  known: () =>
    z.strictObject({
      version: text().nullish().describe('Firmware version'),
      model: text().nullish().describe('Its name, or its key like 3-3-0'),
      heard_at: text().regex(KNOWN_TIME).nullish().describe('When it reported them'),
    }),
};

const shape: Record<string, z.ZodType> = {};
for (const [field, { also, meaning }] of Object.entries(FIELDS) as [Field, (typeof FIELDS)[Field]][]) {
  const type = TYPES[field]();
  shape[field] = (field === 'sn' ? type : type.optional()).describe(meaning);
  if (also !== null) shape[also] = type.optional().describe(`The same as ${field}. ${meaning}`);
}

/** One device of a manifest, as written. */
export const deviceSchema = z
  .strictObject(shape)
  .refine((device) => device.product_version !== undefined || device.version !== undefined, {
    error: 'product_version is missing',
    path: ['product_version'],
  })
  // The zod refinement above, as JSON Schema.
  .meta({
    id: 'device',
    title: 'Device',
    anyOf: [{ required: ['product_version'] }, { required: ['version'] }],
  });

const devices = z.array(deviceSchema).min(1);

/** A manifest in any of its three forms. */
export const manifestSchema = z
  .union([
    devices,
    z.strictObject({ $schema: z.string().optional(), devices }),
    z
      .strictObject({
        $schema: z.string().optional(),
        method: z.literal('ota_create').optional(),
        bid: z.unknown().optional(),
        tid: z.unknown().optional(),
        timestamp: z.unknown().optional(),
        'timestamp:': z.unknown().optional(),
        gateway: z.unknown().optional(),
        need_reply: z.unknown().optional(),
        data: z.strictObject({ devices }),
      })
      .describe('A whole ota_create message, as the documentation prints it.'),
  ])
  .meta({ title: 'Manifest of dji-ota', description: 'The devices to upgrade, and to what.' });

/** The JSON Schema (draft 2020-12) of a manifest, for editors and for checks in CI. */
export function manifestJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(manifestSchema, { target: 'draft-2020-12', io: 'input' }) as Record<string, unknown>;
}
