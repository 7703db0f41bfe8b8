/** Reads which modules a source or built file imports. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface Import {
  specifier: string;
  /** `type`: not in the built files; `dynamic`: loaded when its line is executed. */
  kind: 'static' | 'dynamic' | 'type';
}

/** All files in `folder` with this ending. */
export function filesUnder(folder: string, ending: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending) && !name.endsWith(`.d${ending}`))
    .map((name) => join(folder, name))
    .sort();
}

// Strings come before comments, because a string may contain `//`. A regular expression with a quote is not recognized, so a
// string ends with its line.
const STRING_OR_COMMENT = /('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

export function withoutComments(text: string): string {
  return text.replace(STRING_OR_COMMENT, (_all, string: string | undefined) => string ?? ' ');
}

// `import x from`, `import { a, b } from`, `export * from`, `import 'x'`: at the start of a line, as biome formats them.
const STATIC = /^(?:import|export)\s+(type\s+(?!from\b))?(?:[\w*{}\s,$]+?\sfrom\s+)?['"]([^'"]+)['"]/gm;
const CALL = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

/** All imports of `text`, in order: statements, `export ... from`, `import()` and `import('x').Type`. */
export function importsOf(text: string): Import[] {
  const code = withoutComments(text);
  const found: (Import & { at: number })[] = [];
  for (const match of code.matchAll(STATIC)) {
    found.push({ specifier: match[2] ?? '', kind: match[1] ? 'type' : 'static', at: match.index });
  }
  for (const match of code.matchAll(CALL)) {
    const before = code.slice(0, match.index).trimEnd();
    const isType = /(?:\btypeof|[:=|&<,])$/.test(before) && !/\bawait$/.test(before) && isTypePlace(code, match);
    found.push({ specifier: match[1] ?? '', kind: isType ? 'type' : 'dynamic', at: match.index });
  }
  return found.sort((a, b) => a.at - b.at).map(({ specifier, kind }) => ({ specifier, kind }));
}

// `typeof import('x')` and `import('x').Name` are types; `import('x').then` and `const x = import('x')` load it.
function isTypePlace(code: string, match: RegExpExecArray): boolean {
  if (/\btypeof\s*$/.test(code.slice(0, match.index))) return true;
  return /^\.(?!then\b|catch\b|finally\b)\w/.test(code.slice(match.index + match[0].length));
}
