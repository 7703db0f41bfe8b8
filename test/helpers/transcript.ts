/** Stores the output of a program, and waits for text in it. */

export interface Transcript {
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves when `text` was written to either stream; rejects if the program ends before. */
  said(text: string | RegExp): Promise<void>;
}

/** Call `take` with the output, and `end` at its end. A text may come in any number of pieces. */
export function transcript() {
  const all = { stdout: '', stderr: '' };
  const waiting = new Set<() => void>();
  let over = false;
  const look = () => {
    for (const each of [...waiting]) each();
  };
  return {
    all,
    take(name: 'stdout' | 'stderr', text: string) {
      all[name] += text;
      look();
    },
    end() {
      over = true;
      look();
    },
    said: (text: string | RegExp) =>
      new Promise<void>((resolve, reject) => {
        const isIn = (whole: string) => (typeof text === 'string' ? whole.includes(text) : text.test(whole));
        const check = () => {
          const found = isIn(all.stdout) || isIn(all.stderr);
          if (!found && !over) return;
          waiting.delete(check);
          if (found) resolve();
          else reject(new Error(`ended without saying ${text}:\n${all.stdout}\n${all.stderr}`));
        };
        waiting.add(check);
        check();
      }),
  };
}
