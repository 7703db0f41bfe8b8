import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // One process for many files: starting one for each takes as long as the tests themselves.
    isolate: false,
    // Many tests wait for brokers and spawned programs, so there is one more of them than the two cores of a CI machine.
    maxWorkers: 3,
  },
});
