import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openEngine } from '../../src/api/open-engine.ts'
import { writeSyntheticCorpus } from '../corpus.ts'

/*
 * A newsletter as a folder for web servers: how long it takes to write, and how much one more issue changes. Fails above
 * the budgets. Wall-clock limits are for a quiet machine; on a loaded one, compare processor time.
 */

const ARCHIVE = fileURLToPath(new URL('../../../shared/corpora/haskell-weekly', import.meta.url))
const RUNS = 5

const BUDGETS = { scratchMs: 4_000, oneMoreMs: 500, oneMoreBytes: 300_000 }

interface Run {
  readonly ms: number
  readonly cpuMs: number
  readonly changedBytes: number
  readonly files: number
}

const dir = await mkdtemp(join(tmpdir(), 'hyperletter-bench-'))
try {
  const folder = existsSync(ARCHIVE) ? ARCHIVE : join(dir, 'corpus')
  if (folder !== ARCHIVE) await writeSyntheticCorpus(folder)
  await using engine = await openEngine({ dataDir: join(dir, 'data'), bootstrap: [] })
  const { operations } = engine
  const { feedKey: newsletter } = await operations.createNewsletter({ title: 'Bench' })
  for await (const _ of operations.importFolder({ newsletter, folder })) continue
  const { length } = await operations.listIssues({ newsletter })
  console.log(`${length} issues of ${folder}; medians of ${RUNS}, in ms (processor time)`)

  let isOver = false
  for (const logOnly of [true, false]) {
    const what = logOnly ? 'log only' : 'website'
    const to = join(dir, logOnly ? 'log' : 'site')
    const write = () => exported({ newsletter, folder: to, logOnly })
    const scratch: Run[] = []
    for (let i = 0; i < RUNS; i++) {
      await rm(to, { recursive: true, force: true })
      scratch.push(await write())
    }
    const again = [await write()]
    const oneMore: Run[] = []
    for (let i = 0; i < RUNS; i++) {
      const draft = {
        markdown: `# One more\n\n${'High water at noon. '.repeat(100)}${logOnly}${i}\n`,
      }
      for await (const _ of operations.publishIssue({ newsletter, draft })) continue
      oneMore.push(await write())
    }
    const [all, one] = [median(scratch), median(oneMore)]
    const bytes = await bytesIn(to)
    console.log(`${what}, from scratch: ${shown(all)}, ${all.files} files, ${bytes} bytes`)
    console.log(
      `${what}, nothing new:  ${shown(median(again))}, ${again[0]?.changedBytes} bytes changed`,
    )
    console.log(`${what}, one more:     ${shown(one)}, ${one.changedBytes} bytes changed`)
    isOver ||= all.ms > BUDGETS.scratchMs || one.ms > BUDGETS.oneMoreMs
    isOver ||= one.changedBytes > BUDGETS.oneMoreBytes
  }

  async function exported(input: { newsletter: string; folder: string; logOnly: boolean }) {
    const cpu = process.cpuUsage()
    const begun = performance.now()
    for await (const event of operations.exportSite(input)) {
      if (event.event !== 'finished') continue
      const { user, system } = process.cpuUsage(cpu)
      const ms = performance.now() - begun
      const { changedBytes, files } = event
      return { ms, cpuMs: (user + system) / 1_000, changedBytes, files }
    }
    throw new Error('The export did not finish.')
  }

  if (isOver) {
    console.error(`✗ above the budgets: ${JSON.stringify(BUDGETS)}`)
    process.exitCode = 1
  }
} finally {
  await rm(dir, { recursive: true, force: true })
}

function median(runs: readonly Run[]): Run {
  const middle = runs.toSorted((a, b) => a.ms - b.ms)[Math.floor(runs.length / 2)]
  if (middle === undefined) throw new Error('There was no run.')
  return middle
}

function shown({ ms, cpuMs }: Run): string {
  return `${Math.round(ms)} (${Math.round(cpuMs)})`
}

async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizes = entries
    .filter((it) => it.isFile())
    .map(async (it) => (await stat(join(it.parentPath, it.name))).size)
  return (await Promise.all(sizes)).reduce((sum, it) => sum + it, 0)
}
