/** What is wrong with a manifest, gathered so that one cause in a thousand devices is one line. */

/** Takes one finding: where it is, the key it is about (null = the whole of it), what is wrong. */
export type Report = (where: string, key: string | null, problem: string) => void;

interface Group {
  key: string | null;
  problem: string;
  /** The first few places. */
  where: string[];
  count: number;
}

/** Different findings; of what is beyond them, the user knows enough. */
const MAX_GROUPS = 1000;
/** Up to so many places have a line each. */
const MOST_NAMED = 3;

export interface Findings {
  readonly add: Report;
  /** More different ones than anybody reads: looking on is pointless. */
  readonly full: boolean;
  lines(): string[];
}

export function createFindings(): Findings {
  const groups = new Map<string, Group>();
  return {
    add(where, key, problem) {
      const id = `${key}\n${problem}`;
      const group = groups.get(id);
      if (!group) {
        if (groups.size < MAX_GROUPS) groups.set(id, { key, problem, where: [where], count: 1 });
        return;
      }
      if (group.count++ < MOST_NAMED) group.where.push(where);
    },
    get full() {
      return groups.size >= MAX_GROUPS;
    },
    lines() {
      return [...groups.values()].flatMap(({ key, problem, where, count }) => {
        const what = `${key === null ? '' : `${key}: `}${problem}`;
        if (count <= MOST_NAMED) return where.map((place) => (place === '' ? what : `${place}: ${what}`));
        return [`${where.join(', ')} and ${count - MOST_NAMED} more: ${what}`];
      });
    },
  };
}
