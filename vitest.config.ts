import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { CountingReporter } from './test/reporter.ts'

/** Begun last, as the small files that they are, these would run alone at the end for more than a minute. */
const SLOW = [
  'render/growth',
  'journeys/replication-floods',
  'contract/daemon',
  'contract/engine',
  'soak/kill-rounds',
]

class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- It is no array.
    const sorted = await super.sort(files)
    const isSlow = ({ moduleId }: TestSpecification) =>
      SLOW.some((it) => moduleId.endsWith(`/test/${it}.test.ts`))
    return [...sorted.filter(isSlow), ...sorted.filter((it) => !isSlow(it))]
  }
}

const isCi = process.env['CI'] !== undefined

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The native parts of the stack hold locks per process: a process per file keeps them apart.
    pool: 'forks',
    // Tests wait for networks and for each other half of their time.
    maxWorkers: Math.max(4, Math.floor(availableParallelism() / 2)),
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
    watch: false,
    sequence: { sequencer: SlowFirst },
    // A shared machine stalls now and then; the reporter names what passed only at the second try.
    retry: isCi ? 1 : 0,
    reporters: [isCi ? 'dot' : 'default', new CountingReporter()],
  },
})
