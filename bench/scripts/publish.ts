// Publishes issues one by one, each beside a plain append of the same text to another store.
import { join } from 'node:path'
import Corestore from 'corestore'
import { loadProduct, printResult, scriptInput } from '../product.ts'

const { dir, rounds } = scriptInput() as { dir: string; rounds: number }
const { engine, operations } = await (await loadProduct()).open({ dataDir: join(dir, 'ours') })
await operations.createNewsletter({ title: 'Tides' })
const store = new Corestore(join(dir, 'plain'))
const core = store.get({ name: 'tides' })
await core.ready()

const ours: number[] = []
const baseline: number[] = []
for (let round = 0; round <= rounds; round++) {
  const markdown = `# Issue ${round}\n\n${'High water at noon, low water at six.\n'.repeat(300)}`
  const publishMs = await timed(async () => {
    for await (const event of operations.publishIssue({ draft: { markdown } })) {
      if (event.event === 'published') return
    }
  })
  const appendMs = await timed(async () => {
    await core.append(Buffer.from(markdown))
  })
  // The first round finds nothing compiled and no file open.
  if (round === 0) continue
  ours.push(publishMs)
  baseline.push(appendMs)
}

await engine.close()
await store.close()
printResult({ ours, baseline })

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}
