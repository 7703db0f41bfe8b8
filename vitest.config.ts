import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Minutes of stopping and starting brokers and programs: `npm run test:faults`.
    exclude: process.env.FAULT_POINTS ? [] : ['test/faults/**'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // One process for many files: starting one for each takes as long as the tests themselves.
    isolate: false,
    // Most of the time tests wait for brokers and spawned programs, not for one of the two cores of a CI machine.
    maxWorkers: 4,
  },
});
