// Imports a folder into a new newsletter, or rehearses that. Timed: the import alone, with journal, fsync and flush.
import { loadProduct, printResult, scriptInput } from '../product.ts'

const { dataDir, folder, dryRun } = scriptInput() as {
  dataDir: string
  folder: string
  dryRun: boolean
}
const product = await loadProduct()
const { engine, operations } = await product.open({ dataDir })
const { link, feedKey } = await operations.createNewsletter({ title: 'Archive' })

const start = performance.now()
let issues = 0
for await (const event of operations.importFolder({ folder, dryRun })) {
  if (event.event === 'planned') issues++
  if (event.event === 'finished') issues += event.published
}
const ms = performance.now() - start

await engine.close()
printResult({ ms, issues, link, feedKey })
