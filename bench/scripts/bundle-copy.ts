// Copies a newsletter by a bundle: one engine exports it to a file, another one imports the file.
// Timed: the two operations, the file included; opening the stores is not.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadProduct, printResult, scriptInput } from '../product.ts'

const { dataDir, feedKey, dir } = scriptInput() as { dataDir: string; feedKey: string; dir: string }
const file = join(dir, 'newsletter.bundle')
const product = await loadProduct()
const from = await product.open({ dataDir })
const to = await product.open({ dataDir: join(dir, 'copy') })

const start = performance.now()
await writeFile(file, from.operations.exportBundle({ newsletter: feedKey }))
const exportMs = performance.now() - start
let blocks = 0
for await (const event of to.operations.importBundle({ file })) {
  if (event.event === 'finished') blocks = event.added
}
const ms = performance.now() - start

await Promise.all([from.engine.close(), to.engine.close()])
printResult({ ms, exportMs, blocks })
