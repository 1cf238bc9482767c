// A new reader subscribes. Timed from opening the engine: newest issue read, everything held.
import { createHash } from 'node:crypto'
import { loadProduct, printResult, scriptInput } from '../product.ts'

const { link, ...options } = scriptInput() as { dataDir: string; bootstrap: string; link: string }
const product = await loadProduct()

const start = performance.now()
const { engine, operations } = await product.open({ ...options, online: true })
let reading: Promise<{ newestMs: number; markdown: string }> | undefined
let wholeMs = NaN
for await (const event of operations.subscribe({ link })) {
  if (event.event === 'subscribed') reading = readNewest()
  else if (event.length > 0 && event.heldBlocks === event.length)
    wholeMs = performance.now() - start
}
const read = await reading
if (read === undefined) throw new Error('The subscription ended before it began.')

await engine.close()
const hash = createHash('sha256').update(read.markdown).digest('hex')
printResult({ newestMs: read.newestMs, wholeMs, hash })

async function readNewest() {
  const { markdown } = await operations.readIssue({ newsletter: link })
  return { newestMs: performance.now() - start, markdown }
}
