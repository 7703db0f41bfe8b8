/** Collects the errors of a manifest, grouped so that one cause in a thousand devices is one line. */

/** Takes one finding: where it is, the key (null = the whole device), and the problem. */
export type Report = (where: string, key: string | null, problem: string) => void;

interface Group {
  key: string | null;
  problem: string;
  /** The first few locations. */
  where: string[];
  count: number;
}

/** The most different findings that are collected. */
const MAX_GROUPS = 1000;
/** Up to this many locations get a line each. */
const MOST_NAMED = 3;

/** A collection of findings. */
export interface Findings {
  readonly add: Report;
  /** There are more different findings than anyone reads, so the check may end. */
  readonly full: boolean;
  lines(): string[];
}

/** An empty collection. */
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
