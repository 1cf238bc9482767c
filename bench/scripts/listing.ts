import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { built, loadProduct, printResult, scriptInput } from '../product.ts'
import type * as ContentModule from '../../src/format/content/content-codec.ts'
import type * as EntryModule from '../../src/format/history/entry.ts'
import type { FeedKey } from '../../src/format/keys/feed-key.ts'

const { dataDir, issues } = scriptInput() as { dataDir: string; issues?: number }
/** Issues that are appended at once. */
const BATCH = 1_000
const SAMPLE_MS = 10

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const product = await loadProduct()
if (issues === undefined) await list()
else await write(issues)

// Straight into the log: only what is in it counts.
async function write(count: number) {
  const { engine, operations } = await product.open({ dataDir })
  const { feedKey } = await operations.createNewsletter({ title: 'Tide Tables' })
  const { composeIssue } = await built<typeof EntryModule>('format/history/entry.js')
  const { encodeContent } = await built<typeof ContentModule>('format/content/content-codec.js')
  const body = await encodeContent(
    new TextEncoder().encode('Low water at noon.\n'),
    'text/markdown',
  )
  await using session = await engine.open({ feedKey: feedKey as FeedKey })
  const { feed } = session
  let at = await feed.position()
  for (let number = 1; number <= count;) {
    const blocks: Uint8Array[] = []
    for (let i = 0; i < BATCH && number <= count; i++, number++) {
      const publishedAt = new Date(Date.UTC(2020, 0, 1) + number * 3_600_000).toISOString()
      const entry = composeIssue(at, { title: `Tides of hour ${number}`, publishedAt }, body, [])
      blocks.push(...entry.blocks)
      at = entry.next
    }
    await feed.log.append(blocks)
  }
  await engine.close()
  printResult({ length: at.length })
}

async function list() {
  const { engine, operations } = await product.open({ dataDir })
  const [entry] = engine.library.list()
  collectGarbage()
  let most = 0
  const sample = () => (most = Math.max(most, process.memoryUsage().heapUsed))
  const sampling = setInterval(sample, SAMPLE_MS)
  const start = performance.now()
  const listed = await operations.listIssues({ newsletter: entry?.feedKey ?? '' })
  const listMs = performance.now() - start
  sample()
  clearInterval(sampling)
  const page = performance.now()
  await operations.listIssues({ newsletter: entry?.feedKey ?? '', before: 1_000, limit: 50 })
  const pageMs = performance.now() - page
  await engine.close()
  printResult({ listed: listed.length, listMs, pageMs, mostHeapMb: most / 1e6 })
}
