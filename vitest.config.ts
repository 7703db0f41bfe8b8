import { defineConfig } from 'vitest/config';

/**
 * How thorough `--mode faults` and `--mode fuzz` are, where the environment does not say it. By mode and not by variables
 * before the command, which the shell of Windows does not know.
 */
const THOROUGH: Record<string, Record<string, string>> = {
  faults: { FAULT_POINTS: process.env.FAULT_POINTS || '60', DJI_OTA_SLOW: '1' },
  fuzz: { FUZZ_RUNS: process.env.FUZZ_RUNS || '105000' },
};

export default defineConfig(({ mode }) => ({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [
      // Minutes of stopping and starting brokers and programs: `npm run test:faults`.
      ...(mode === 'faults' || process.env.FAULT_POINTS ? [] : ['test/faults/**']),
      // Attacks on the built program, whose cost is measured from outside: `npm run test:hostile`.
      ...(mode === 'hostile' ? [] : ['test/hostile/**']),
    ],
    env: THOROUGH[mode] ?? {},
    // Enough for a machine that has other work as well; what hangs for good is found all the same.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // One process for many files: starting one for each takes as long as the tests themselves.
    isolate: false,
    // Most of the time tests wait for brokers and spawned programs, not for one of the two cores of a CI machine.
    maxWorkers: 4,
    // The same of tests that are concurrent in their file: enough that none only waits, few enough that none starves.
    maxConcurrency: 3,
  },
}));
