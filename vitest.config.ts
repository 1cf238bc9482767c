import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { CountingReporter } from './test/reporter.ts'

const isCi = process.env['CI'] !== undefined

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The native parts of the stack hold locks per process: a process per file keeps them apart.
    pool: 'forks',
    // Tests wait for networks and for each other half of their time.
    maxWorkers: Math.max(3, Math.floor(availableParallelism() / 2)),
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
    watch: false,
    // A shared machine stalls now and then; the reporter names what passed only at the second try.
    retry: isCi ? 1 : 0,
    reporters: [isCi ? 'dot' : 'default', new CountingReporter()],
  },
})
