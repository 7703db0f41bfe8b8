import sax from 'sax';
import { systemReason } from '../../errors.js';
import { safeText } from '../../text.js';
import { MAX_CONFIGURATION } from './limits.js';
import { NO_FACTS, type PackageFacts, type PackageModule } from './report.js';

/** The content of a `*.cfg.sig` entry (PROTOCOL "Inside the configuration"; seen in one public package). */
export interface Configuration extends Omit<PackageFacts, 'release_date'> {
  modules: Omit<PackageModule, 'proven'>[];
}

const MAX_DEPTH = 32;
const MAX_ELEMENTS = 20_000;
const MAX_MODULES = 1000;
const MAX_TEXT = 256;

const RELEASE = 'dji/device/firmware/release';

/**
 * Parses the XML in `bytes`. If it is not understood, the result says why, in words that follow "its configuration". The XML is
 * untrusted: its size is limited, and a DTD, including entities, is rejected.
 */
export function parseConfiguration(bytes: Buffer): Configuration | { problem: string } {
  if (bytes.length > MAX_CONFIGURATION) return { problem: `has more than ${MAX_CONFIGURATION} bytes` };
  const end = bytes.lastIndexOf('</dji>');
  const starts = [bytes.indexOf('<?xml'), bytes.indexOf('<dji')].filter((at) => at >= 0 && at < end);
  if (starts.length === 0) return { problem: 'holds no readable XML' };
  const xml = bytes.toString('utf8', Math.min(...starts), end + '</dji>'.length);
  if (/<!(?:DOCTYPE|ENTITY)/i.test(xml)) return { problem: 'has a document type (DTD), which is not supported' };
  try {
    return parseXml(xml);
  } catch (error) {
    // sax adds line, column and character on further lines.
    return { problem: safeText(systemReason(error).split('\n', 1)[0] ?? '', 160) };
  }
}

function parseXml(xml: string): Configuration | { problem: string } {
  const parser = sax.parser(true, { position: false, strictEntities: true } as sax.SAXOptions);
  const found: Configuration = { ...NO_FACTS, modules: [] };
  const path: string[] = [];
  let elements = 0;
  let releases = 0;
  let module: Configuration['modules'][number] | null = null;

  parser.onerror = (error) => {
    throw error;
  };
  parser.onopentag = ({ name, attributes }) => {
    const parent = path.join('/');
    path.push(name);
    if (path.length > MAX_DEPTH) throw new Error('is nested too deeply');
    if (++elements > MAX_ELEMENTS) throw new Error(`has more than ${MAX_ELEMENTS} elements`);
    const value = (key: string): string | null => {
      const text = Object.hasOwn(attributes, key) ? String(attributes[key]).trim() : '';
      return text === '' ? null : text.slice(0, MAX_TEXT);
    };
    if (parent === 'dji' && name === 'device') found.product = value('id');
    else if (parent === 'dji/device' && name === 'firmware') found.formal_version = value('formal');
    else if (parent === 'dji/device/firmware' && name === 'release') {
      releases++;
      found.version = value('version');
      for (const key of ['from', 'expire', 'enforce', 'antirollback', 'antirollback_ext'] as const) {
        found[key] = value(key);
      }
    } else if (parent === RELEASE && name === 'module') {
      if (found.modules.length === MAX_MODULES) throw new Error(`names more than ${MAX_MODULES} modules`);
      const [size, md5] = [value('size'), value('md5')?.toLowerCase() ?? ''];
      module = {
        id: value('id'),
        name: value('name'),
        version: value('version'),
        type: value('type'),
        size: size !== null && /^\d{1,15}$/.test(size) ? Number(size) : null,
        md5: /^[0-9a-f]{32}$/.test(md5) ? md5 : null,
        entry: '',
      };
      found.modules.push(module);
    }
  };
  parser.ontext = parser.oncdata = (text) => {
    if (module && path.length === 5) module.entry = `${module.entry}${text}`.slice(0, 1024);
  };
  parser.onclosetag = () => {
    path.pop();
    if (!module || path.length > 4) return;
    module.entry = module.entry?.trim() || null;
    module = null;
  };
  parser.write(xml).close();

  if (releases === 1) return found;
  return { problem: releases === 0 ? 'names no release' : `names ${releases} releases` };
}
