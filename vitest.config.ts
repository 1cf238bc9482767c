import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Set by `.ci/run`: where to leave the results as JSON, beside what is printed. */
const resultsFile = process.env['VITEST_RESULTS_FILE']

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The native parts of the stack hold locks per process: a process per file keeps them apart.
    pool: 'forks',
    maxWorkers: Math.max(2, Math.floor(availableParallelism() / 2)),
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
    watch: false,
    reporters: resultsFile === undefined ? ['default'] : ['default', 'json'],
    ...(resultsFile !== undefined && { outputFile: { json: resultsFile } }),
  },
})
