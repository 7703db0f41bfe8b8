/** The `.html` report while its run goes on: written again and again, as often as costs next to nothing. */
import type { Clock } from '../../../clock.js';
import { writeWhole } from '../../../whole-file.js';
import type { Freshness } from './live.js';

interface RenewOptions {
  /** Absolute paths. */
  files: readonly string[];
  clock: Clock;
  /** The page as the run stands; asks for its freshness last. */
  render(freshness: () => Freshness): string;
  /** Told once, where a page cannot be written: the run is not to suffer from it. */
  onTrouble(error: unknown, file: string): void;
  /** Processor time of this process so far, milliseconds. */
  cost?(): number;
}

interface Renewal {
  /** Writes the first page and goes on from there. */
  begin(): void;
  /** Resolves when the page that is being written stands. */
  settled(): Promise<void>;
  /** No further page is begun; resolves when the last one stands. */
  end(): Promise<void>;
}

/** At most this often. Milliseconds. */
const EVERY = 5000;
/** The part of one core that pages may take; what writing costs the kernel is not seen, so less than the 2 % that it may be. */
const SHARE = 0.015;

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
