import { appendFileSync } from 'node:fs'
import type { Reporter, TestCase, TestModule } from 'vitest/node'

/** Set by `.ci/run`: the file to which the last line of a run is added, as JSON. */
const countsFile = process.env['TEST_COUNTS_FILE']

/**
 * Ends a run with what was skipped and why, what passed only at the second try, in CI the slowest files, and one line that counts:
 * `N passed, N failed, N skipped`. A file that could not be loaded counts as one failure.
 */
export class CountingReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((it) => [...it.children.allTests()])
    const skipped = new Map<string, number>()
    for (const test of tests) {
      const result = test.result()
      if (result.state !== 'skipped') continue
      const reason = result.note ?? 'Not for this configuration.'
      skipped.set(reason, (skipped.get(reason) ?? 0) + 1)
    }
    const flaky = tests.filter((it) => it.diagnostic()?.flaky === true)
    const unloaded = modules.filter(
      (it) => it.state() === 'failed' && [...it.children.allTests('failed')].length === 0,
    )
    const counts = {
      passed: tests.filter((it) => it.result().state === 'passed').length,
      failed: tests.filter((it) => it.result().state === 'failed').length + unloaded.length,
      skipped: [...skipped.values()].reduce((sum, it) => sum + it, 0),
    }
    for (const [reason, count] of skipped) print(`skipped ${count}: ${reason}`)
    for (const it of flaky) print(`passed at the second try: ${nameOf(it)}`)
    if (countsFile !== undefined) print(`slowest: ${slowest(modules).join(', ')}`)
    print(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
    if (countsFile !== undefined) appendFileSync(countsFile, `${JSON.stringify(counts)}\n`)
  }
}

/** The files that took longest, each with its seconds. */
function slowest(modules: readonly TestModule[]): string[] {
  return modules
    .map((it) => ({ file: it.relativeModuleId, ms: it.diagnostic().duration }))
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, 10)
    .map(({ file, ms }) => `${file} ${Math.round(ms / 1_000)} s`)
}

function nameOf({ module, fullName }: TestCase): string {
  return `${module.relativeModuleId} > ${fullName}`
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
