import {
  type Alias,
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
import { OtaError } from '../../errors.js';
import { quoted, safeText, showBytes } from '../../text.js';
import { unreadable } from '../unreadable.js';

/** Parsing takes about 150 bytes of memory per character, so this much takes a gigabyte. Larger fleets can use JSON or CSV. */
const MAX_YAML_CHARACTERS = 8 * 1024 * 1024;
/**
 * Comments, line ends, keys, values, ...: a device of six keys has fifty. A million take two seconds, however short they are.
 */
const MAX_LEXEMES = 2_000_000;
/** Mapping in mapping (a message), `data`, list, device, value: a manifest is not deeper. */
const MAX_DEPTH = 5;
/** The most open lists and mappings while parsing. */
const MAX_NESTING = 100;
/** A device has a dozen keys. The limit keeps nested merges (`<<`) cheap. */
const MAX_KEYS = 32;

/**
 * Parses a YAML text. Every scalar becomes the text as written: an unquoted `1.10` stays `1.10`, and `0123` and `1e5` stay
 * serial numbers. Blank values are dropped. Anchors, aliases and merges (`<<`) are supported.
 * @throws OtaError `manifest_unreadable`, with line and column
 */
export function parseYaml(source: string, text: string): unknown {
  if (text.length > MAX_YAML_CHARACTERS) throw tooLarge(source, `${showBytes(MAX_YAML_CHARACTERS)}`);
  const lines = new LineCounter();
  try {
    // The library's uniqueKeys takes quadratic time; the check below does not.
    const doc = compose(source, text, lines);
    const [error] = doc.errors;
    if (error) {
      throw unreadable(source, `is not YAML: ${safeText(error.message)}`, {
        place: lines.linePos(error.pos[0]),
        hint: 'Correct the YAML, then try again.',
        cause: error,
      });
    }
    const targets = text.includes('*') ? aliasTargets(doc) : new Map<Alias, Node>();
    return plain(doc.contents, { source, lines, targets, done: [] }, 1);
  } catch (error) {
    if (error instanceof OtaError) throw error;
    // A mapping that is merged into itself recurses without end.
    const endless = error instanceof RangeError;
    throw unreadable(source, endless ? 'has a "<<" that refers to itself' : 'is not valid YAML', {
      cause: error,
    });
  }
}

/** Parses the document in `text`. The library's parser keeps its own stack, but its composer is recursive: hence the limit. */
function compose(source: string, text: string, lines: LineCounter): Document.Parsed {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  function* tokens() {
    let lexemes = 0;
    for (const lexeme of new Lexer().lex(text)) {
      if (lexemes++ > MAX_LEXEMES) throw tooLarge(source, `${MAX_LEXEMES} keys, values and line ends`);
      yield* parser.next(lexeme);
      if (parser.stack.length > MAX_NESTING) {
        throw unreadable(source, 'is nested too deeply', { place: lines.linePos(parser.offset) });
      }
    }
    yield* parser.end();
  }
  // The library's uniqueKeys takes quadratic time; `mapping` below does not.
  const composer = new Composer({
    schema: 'failsafe',
    customTags: ['null'],
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'error',
  });
  const [doc, second] = composer.compose(tokens(), true, text.length);
  if (second) {
    throw unreadable(source, 'holds several YAML documents', {
      place: lines.linePos(second.range[0]),
      hint: 'A manifest is a single document: remove the line ---.',
    });
  }
  return doc as Document.Parsed;
}

function tooLarge(source: string, limit: string): OtaError {
  return unreadable(source, `is larger than ${limit}, too large for YAML`, {
    hint: 'Write a manifest of this size as JSON or CSV.',
  });
}

interface Context {
  source: string;
  lines: LineCounter;
  targets: ReadonlyMap<Alias, Node>;
  /** The results for anchored nodes, by depth, so that each one is converted once. */
  done: Map<Node, unknown>[];
}

// An alias refers to the last anchor of its name before it. This is one pass; the library searches once for each alias.
function aliasTargets(doc: Parameters<typeof visit>[0]): Map<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(doc, {
    Node(_key, node) {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target) targets.set(node, target);
      } else if (node.anchor) anchors.set(node.anchor, node as Node);
    },
  });
  return targets;
}

function plain(node: unknown, context: Context, depth: number): unknown {
  if (isAlias(node)) {
    const target = context.targets.get(node);
    if (!target)
      throw problemAt(context, node, `the alias ${quoted(`*${node.source}`)} refers to nothing defined before it`);
    context.done[depth] ??= new Map();
    const done = context.done[depth];
    if (!done.has(target)) done.set(target, plain(target, context, depth));
    return done.get(target);
  }
  if (isScalar(node)) return node.value;
  if (isSeq(node)) return depth > MAX_DEPTH ? [] : node.items.map((item) => plain(item, context, depth + 1));
  if (isMap(node)) return depth > MAX_DEPTH ? {} : mapping(node, context, depth);
  return null;
}

function mapping(node: YAMLMap, context: Context, depth: number): Record<string, unknown> {
  // No prototype, so that `__proto__` is a key like any other.
  const own: Record<string, unknown> = Object.create(null);
  const merged: Record<string, unknown> = Object.create(null);
  let count = 0;
  for (const { key, value } of node.items) {
    const name = isScalar(key) ? (key.value ?? '') : null;
    if (typeof name !== 'string') throw problemAt(context, node, 'has a key that is not text');
    if (++count > MAX_KEYS) throw problemAt(context, node, `has a mapping of more than ${MAX_KEYS} keys`);
    if (name === '<<' && (key as Scalar).type === Scalar.PLAIN) merge(merged, value, context, depth);
    else if (name in own) throw problemAt(context, key, `the key ${quoted(name)} is given twice in one mapping`);
    else own[name] = plain(value, context, depth + 1);
  }
  for (const name of Object.keys(merged)) if (!(name in own)) own[name] = merged[name];
  // Done last, so that a blank value removes a merged one.
  for (const name of Object.keys(own)) if (own[name] === null) delete own[name];
  if (Object.keys(own).length > MAX_KEYS) throw problemAt(context, node, `has a mapping of more than ${MAX_KEYS} keys`);
  return own;
}

// https://yaml.org/type/merge.html: one mapping or a list of them; earlier ones take precedence.
function merge(into: Record<string, unknown>, value: unknown, context: Context, depth: number): void {
  const found = plain(value, context, depth);
  const list: unknown[] = Array.isArray(found) ? found : [found];
  if (list.length > MAX_KEYS) throw problemAt(context, value, `merges more than ${MAX_KEYS} mappings`);
  for (const from of list) {
    if (typeof from !== 'object' || from === null || Array.isArray(from)) {
      throw problemAt(context, value, 'only a mapping can be merged with "<<"');
    }
    for (const [name, item] of Object.entries(from)) if (!(name in into)) into[name] = item;
  }
}

function problemAt(context: Context, node: unknown, problem: string): OtaError {
  const offset = (node as Node | null)?.range?.[0];
  return unreadable(context.source, problem, {
    place: offset === undefined ? undefined : context.lines.linePos(offset),
  });
}
