/** Renews the `.html` report during its run, as often as the cost stays negligible. */
import type { Clock } from '../../../clock.js';
import { writeWhole } from '../../../whole-file.js';
import type { Freshness } from './live.js';

interface RenewOptions {
  /** Absolute paths. */
  files: readonly string[];
  clock: Clock;
  /** Renders the page for the current state. Calls `freshness` last. */
  render(freshness: () => Freshness): string;
  /** Called once if a page cannot be written. The run continues. */
  onTrouble(error: unknown, file: string): void;
  /** The processor time of this process so far, in milliseconds. */
  cost?(): number;
}

interface Renewal {
  /** Writes the first page and continues from there. */
  begin(): void;
  /** Resolves when the current page is written. */
  settled(): Promise<void>;
  /** Starts no further page. Resolves when the last one is written. */
  end(): Promise<void>;
}

/** Milliseconds between two pages, at least. */
const EVERY = 5000;
/**
 * The share of one core that pages may use. It is below the allowed 2 %, because the kernel's cost of writing is not measured.
 */
const SHARE = 0.015;

/** Creates the renewal of report pages. */
export function createRenewal(options: RenewOptions): Renewal {
  const { files, clock, cost = processorTime } = options;
  let cancel = () => {};
  let writing: Promise<void> | null = null;
  let ended = false;
  let told = false;

  async function renew(): Promise<void> {
    let every = EVERY;
    try {
      const before = cost();
      const text = options.render(() => {
        every = Math.max(EVERY, Math.ceil((cost() - before) / SHARE));
        const written = Math.round(clock.wall());
        return { written, next: written + every };
      });
      for (const file of files) await writeWhole(file, text).catch((error: unknown) => trouble(error, file));
    } catch (error) {
      trouble(error, files[0] ?? '');
    }
    if (!ended) cancel = clock.after(every, begin);
  }

  function trouble(error: unknown, file: string): void {
    if (told) return;
    told = true;
    options.onTrouble(error, file);
  }

  function begin(): void {
    if (!ended) writing = renew();
  }

  const settled = async () => {
    await writing;
  };
  return {
    begin,
    settled,
    end() {
      ended = true;
      cancel();
      return settled();
    },
  };
}

function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
