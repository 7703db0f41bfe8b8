import { isKnownModel, modelKeys, modelName } from './models.js';

/** Model keys by product code (PROTOCOL "The firmware package", from public pages). The codes of docks are not public. */
const PRODUCTS: Readonly<Record<string, readonly string[]>> = {
  pm320: ['0-67-0', '0-67-1'],
  pm430: ['0-60-0'],
  pm431: ['0-89-0'],
  wm265e: ['0-77-0'],
  wm265t: ['0-77-1'],
  wm265m: ['0-77-2'],
  ea220e: ['0-91-0'],
  ea220t: ['0-91-1'],
  wa345e: ['0-99-0'],
  wa345t: ['0-99-1'],
  rm700: ['2-119-0'],
  rm510: ['2-144-0'],
  rc701: ['2-174-0'],
};

/** Further known product codes, from a profile or from packages that were verified on a device. */
export type KnownProducts = Readonly<Record<string, { key: string /** As in `the profile fleet`. */; source: string }>>;

/** The models that a package is for, by one of its properties. */
interface ModelClaim {
  /** Model keys. */
  keys: readonly string[];
  /** Words that follow "by": `its product code wa345t`. */
  source: string;
}

/** The models by product code and by file name, the product code first; empty = neither is known. */
export function modelClaims(
  { product, file_name }: { product: string | null; file_name: string },
  known: KnownProducts = {},
): ModelClaim[] {
  const claims: ModelClaim[] = [];
  const code = product?.toLowerCase() ?? '';
  const added = Object.hasOwn(known, code) ? known[code] : undefined;
  const published = Object.hasOwn(PRODUCTS, code) ? PRODUCTS[code] : undefined;
  if (added) claims.push({ keys: [added.key], source: `its product code ${code} (${added.source})` });
  else if (published) claims.push({ keys: published, source: `its product code ${code}` });
  const name = /^([A-Za-z0-9 -]{2,20})_/.exec(file_name)?.[1] ?? '';
  const named = modelKeys(name);
  // One package may serve several models, and be named after one of them.
  const family = Object.values(PRODUCTS).find((keys) => keys.some((key) => named.includes(key)));
  if (named.length > 0)
    claims.push({ keys: [...new Set([...named, ...(family ?? [])])], source: `its file name (${name})` });
  return claims;
}

/**
 * Why a package does not fit a device with the model `key`, as part of a sentence (`is for M4T by its product code wa345t`);
 * null = it fits, or that is not known. For an unknown model only the kind of device is compared.
 */
export function modelMismatch(claims: readonly ModelClaim[], key: string): string | null {
  const [domain] = key.split('-', 1);
  if (!/^\d+-\d+-\d+$/.test(key)) return null;
  for (const { keys, source } of claims) {
    if (keys.includes(key)) return null;
    if (isKnownModel(key) || keys.every((each) => each.split('-', 1)[0] !== domain)) return showClaim({ keys, source });
  }
  return null;
}

/** `is for M30 or M30T by its product code pm320`. */
export function showClaim({ keys, source }: ModelClaim): string {
  return `is for ${keys.map(modelName).join(' or ')} by ${source}`;
}

/** Whether a package can be for a dock (domain 3) or an aircraft (domain 0), as far as is known. */
export function claimFits(claim: ModelClaim, domain: '0' | '3'): boolean {
  return claim.keys.some((key) => key.startsWith(`${domain}-`));
}
